"""Which types a model may hold beside those that skops itself trusts, and what is done with any other."""

from __future__ import annotations

from skops.io import get_untrusted_types

from homeostat.kernel.errors import Refused

TRUSTED = (
    "collections.OrderedDict",
    "functools.partial",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "numpy.dtype",
    "scipy._lib.array_api_compat.numpy._aliases.asarray",
    "scipy.interpolate._bsplines.BSpline",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.feature_selection._univariate_selection.f_classif",
    "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
    "sklearn.utils.validation.check_array",
    "xgboost.core.Booster",
    "xgboost.sklearn.XGBClassifier",
)
"""Parts of fitted estimators that hold numbers and do nothing while they are read. Nobody can add to it by settings."""


def must_be_trusted(what: str, model: bytes) -> None:
    """Raises: Refused that names every type in ``model`` which is not on the list."""
    strange = sorted(set(get_untrusted_types(data=model)) - set(TRUSTED))
    if strange:
        raise Refused(
            f"{what} holds types that are not trusted: {', '.join(strange)}.",
            mend=f"Build it of scikit-learn's own estimators and NumPy's functions: without {', '.join(strange)}.",
            types=strange,
        )
