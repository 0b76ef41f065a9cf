from .attr_percent import attr_percent
from .attr_report import AttrPoint, AttrReport
from .builtin import builtin_pictures, flat_pictures
from .designed import reference_network, region_network
from .factory import MANIPULATIONS, make_manipulation, register_manipulation
from .labels import MeasuredAccuracy, accuracy_bound, luck, reassign_labels, reassignment_matrix
from .manipulation import Manipulation, changes
from .networks import small_resnet
from .percentages import SelectionScores, attribution_percentage, region_share, score_selection, select_top
from .pictures import ModifiedPictures, Pictures, modify
from .regions import effective_region, joint_region
from .shapley import FeatureShares, accuracy_given, accuracy_of_original_features, shapley_range, shapley_shares
from .training import Training, train

__all__ = [
    "MANIPULATIONS",
    "AttrPoint",
    "AttrReport",
    "FeatureShares",
    "Manipulation",
    "MeasuredAccuracy",
    "ModifiedPictures",
    "Pictures",
    "SelectionScores",
    "Training",
    "accuracy_bound",
    "accuracy_given",
    "accuracy_of_original_features",
    "attr_percent",
    "attribution_percentage",
    "builtin_pictures",
    "changes",
    "effective_region",
    "flat_pictures",
    "joint_region",
    "luck",
    "make_manipulation",
    "modify",
    "reassign_labels",
    "reassignment_matrix",
    "reference_network",
    "region_network",
    "region_share",
    "register_manipulation",
    "score_selection",
    "select_top",
    "shapley_range",
    "shapley_shares",
    "small_resnet",
    "train",
]
