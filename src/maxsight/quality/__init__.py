"""Will OCR read this page? Character and word error rates predicted from how the page looks.

Needs the extra ``quality``. Training data are made by `dataset` (degraded pages, read by an OCR engine and compared
with what they say), `features` pools a page's patch vectors, `regressors` learn, `predictor` answers.
"""
