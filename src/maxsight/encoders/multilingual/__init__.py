"""The encoder of about 100 languages: token vectors of multilingual-e5-small, offline, on a CPU.

Its weights are a package of their own, `maxsight_multilingual`, since they are larger than all of maxsight.
``scripts/build_multilingual.py`` makes it.
"""
