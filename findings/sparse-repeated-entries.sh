#!/bin/sh
# scikit-learn and LightGBM compute with the wrong numbers if a sparse matrix has several entries in one place.
#
# scikit-learn 1.9.1, lightgbm 4.7.0, scipy 1.17.1, numpy 2.4.6, Python 3.11, Linux x86-64.
# Input: counts of words in a csr_matrix, built as the documentation of scipy.sparse.csr_matrix shows ("construct a CSR
# matrix incrementally": one entry per occurrence of a word). In SciPy's arithmetic such entries are summed: toarray() gives
# the counts.
# Expected: the results for the same matrix after sum_duplicates(), or an error. The documentation of both packages says that
# SciPy's sparse matrices are accepted, and does not exclude this.
# Seen: StandardScaler finds a variance of -2, Binarizer no count above 1, and Lasso the coefficients 0 and 1 instead of 3 and 1;
# LightGBM predicts other values for the same rows. NumPy warns of the root of -2 here, and Lasso that it does not converge.
# In Backpass: sparse matrices become dense first, which sums (tests/estimators/test_tables.py).
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --no-compile --disable-pip-version-check \
    numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1 lightgbm==4.7.0
cd "$work"
"$work/venv/bin/python" - <<'PROGRAM' >seen 2>/dev/null
import lightgbm
import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import Lasso
from sklearn.preprocessing import Binarizer, StandardScaler

documents = [["a"] * (1 + i % 3) + ["b"] * (i % 2) for i in range(60)]


def counts(is_summed):
    indptr, indices, data, vocabulary = [0], [], [], {}
    for document in documents:
        for term in document:
            indices.append(vocabulary.setdefault(term, len(vocabulary)))
            data.append(1.0)
        indptr.append(len(indices))
    matrix = csr_matrix((data, indices, indptr), shape=(60, 2))
    if is_summed:
        matrix.sum_duplicates()
    return matrix


dense = counts(False).toarray()
assert np.array_equal(dense, counts(True).toarray())
y = dense @ [3.0, 1.0]
options = {"objective": "regression", "verbose": -1, "min_data_in_leaf": 1, "min_data_in_bin": 1, "num_threads": 1}
booster = lightgbm.train(options, lightgbm.Dataset(counts(True), y), 100)
for is_summed in (True, False):
    print("summed" if is_summed else "several entries")
    print("  variances", StandardScaler(with_mean=False).fit(counts(is_summed)).var_.round(3))
    print("  counts above 1:", Binarizer(threshold=1.5).fit_transform(counts(is_summed)).nnz)
    print("  Lasso", Lasso(alpha=1e-3).fit(counts(is_summed), y).coef_.round(2))
    print("  error of LightGBM", round(float(np.abs(booster.predict(counts(is_summed)) - y).max()), 1))
PROGRAM
cat seen
diff - seen <<'SEEN'
summed
  variances [0.667 0.25 ]
  counts above 1: 40
  Lasso [3. 1.]
  error of LightGBM 0.0
several entries
  variances [-2.    0.25]
  counts above 1: 0
  Lasso [0. 1.]
  error of LightGBM 6.0
SEEN
