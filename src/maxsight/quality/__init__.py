"""Will OCR read this page? Predicts character and word error rates from how the page looks.

`features` pools a page's patch vectors, `predictor` predicts from them, `explaining` shows where on the page OCR would
fail. `training` makes samples and models; nothing here imports it.
"""
