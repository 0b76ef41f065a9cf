"""Methods that change settings of the whole process."""

from __future__ import annotations

import gc
import io
import locale
import logging
import os
import random
import signal
import sys
import warnings

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import torch
from faulty.methods import gradient
from torch.nn import functional


def seeding_torch(model, inputs, targets):
    torch.manual_seed(0)
    return gradient(model, inputs + torch.randn_like(inputs), targets)


def seeding_numpy(model, inputs, targets):
    np.random.seed(0)  # noqa: NPY002  # the fault
    return gradient(model, inputs, targets)


def seeding_python(model, inputs, targets):
    random.seed(0)
    return gradient(model, inputs, targets)


def silencing_warnings(model, inputs, targets):
    warnings.filterwarnings("ignore")
    return gradient(model, inputs, targets)


def in_anomaly_mode(model, inputs, targets):
    torch.autograd.set_detect_anomaly(True)
    return gradient(model, inputs, targets)


def with_fast_products(model, inputs, targets):
    torch.set_float32_matmul_precision("medium")
    return gradient(model, inputs, targets)


def with_cudnn_benchmarks(model, inputs, targets):
    torch.backends.cudnn.benchmark = True
    return gradient(model, inputs, targets)


def with_other_figures(model, inputs, targets):
    mpl.rcParams["image.cmap"] = "jet"
    return gradient(model, inputs, targets)


def with_silent_numpy(model, inputs, targets):
    np.seterr(all="ignore")
    return gradient(model, inputs, targets)


def own_softmax(*arguments, **options):
    return torch.softmax(*arguments, **options)


def replacing_a_function(model, inputs, targets):
    functional.softmax = own_softmax
    return gradient(model, inputs, targets)


def own_relu(_, values):
    return values.clamp(min=0)


def replacing_a_forward_pass(model, inputs, targets):
    torch.nn.ReLU.forward = own_relu
    return gradient(model, inputs, targets)


def with_fewer_printed_digits(model, inputs, targets):
    np.set_printoptions(precision=2)
    return gradient(model, inputs, targets)


def with_a_hook_on_all_modules(model, inputs, targets):
    torch.nn.modules.module.register_module_forward_hook(lambda *_: None)
    return gradient(model, inputs, targets)


def with_other_tensor_cores(model, inputs, targets):
    torch.backends.cudnn.allow_tf32 = False
    return gradient(model, inputs, targets)


def without_logging(model, inputs, targets):
    logging.disable(logging.CRITICAL)
    return gradient(model, inputs, targets)


def with_a_figure_left_open(model, inputs, targets):
    plt.figure()
    return gradient(model, inputs, targets)


def with_an_environment_variable(model, inputs, targets):
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
    return gradient(model, inputs, targets)


def own_reluing(values):
    return values.clamp_(min=0)


def replacing_a_function_of_tensors(model, inputs, targets):
    torch.Tensor.relu_ = own_reluing
    return gradient(model, inputs, targets)


def without_garbage_collection(model, inputs, targets):
    gc.disable()
    return gradient(model, inputs, targets)


def with_another_folder_of_imports(model, inputs, targets):
    sys.path.insert(0, "models")
    return gradient(model, inputs, targets)


def in_another_folder(model, inputs, targets):
    os.chdir("/")
    return gradient(model, inputs, targets)


def in_another_locale(model, inputs, targets):
    locale.setlocale(locale.LC_NUMERIC, "C.UTF-8" if locale.setlocale(locale.LC_NUMERIC) == "C" else "C")
    return gradient(model, inputs, targets)


def ignoring_a_signal(model, inputs, targets):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    return gradient(model, inputs, targets)


def logging_everything(model, inputs, targets):
    logging.getLogger().setLevel(logging.DEBUG)
    return gradient(model, inputs, targets)


def without_small_numbers(model, inputs, targets):
    torch.set_flush_denormal(True)
    return gradient(model, inputs, targets)


def with_a_hook_on_new_modules(model, inputs, targets):
    torch.nn.modules.module.register_module_module_registration_hook(lambda *_: None)
    return gradient(model, inputs, targets)


def silencing_the_output(model, inputs, targets):
    sys.stderr = io.StringIO()
    return gradient(model, inputs, targets)


def with_more_threads(model, inputs, targets):
    torch.set_num_threads(torch.get_num_threads() + 1)
    return gradient(model, inputs, targets)


def in_double_precision_from_now_on(model, inputs, targets):
    torch.set_default_dtype(torch.float64)
    return gradient(model, inputs, targets)


def with_deterministic_algorithms(model, inputs, targets):
    torch.use_deterministic_algorithms(True, warn_only=True)
    return gradient(model, inputs, targets)


def with_a_timer(model, inputs, targets):
    signal.alarm(1000)
    return gradient(model, inputs, targets)


def with_rare_switches_of_threads(model, inputs, targets):
    sys.setswitchinterval(0.5)
    return gradient(model, inputs, targets)


FAULTS = {
    with_a_timer: ("assert_model_unchanged", "the timer of the process changed from False to True"),
    with_rare_switches_of_threads: (
        "assert_model_unchanged",
        "the switch interval of threads changed from 0.005 to 0.5",
    ),
    seeding_torch: ("assert_deterministic", "sets the seed of torch's global generator"),
    seeding_numpy: ("assert_deterministic", "sets the seed of numpy's global generator"),
    seeding_python: ("assert_deterministic", "sets the seed of Python's global generator"),
    silencing_warnings: ("assert_model_unchanged", "the filters of warnings changed"),
    in_anomaly_mode: ("assert_model_unchanged", "the anomaly mode changed from False to True"),
    with_fast_products: ("assert_model_unchanged", "the precision of matrix products changed from highest to medium"),
    with_cudnn_benchmarks: ("assert_model_unchanged", "cudnn.benchmark changed from False to True"),
    with_other_figures: ("assert_model_unchanged", "matplotlib's rcParams changed, image.cmap from 'viridis' to 'jet'"),
    with_silent_numpy: ("assert_model_unchanged", "the error state of numpy changed, divide from 'warn' to 'ignore'"),
    replacing_a_function: ("assert_model_unchanged", "torch.nn.functional.softmax was replaced"),
    replacing_a_forward_pass: ("assert_model_unchanged", "torch.nn.ReLU.forward was replaced"),
    with_fewer_printed_digits: ("assert_model_unchanged", "how numpy prints changed, precision from 8 to 2"),
    with_a_hook_on_all_modules: ("assert_model_unchanged", "hooks on all modules changed"),
    with_other_tensor_cores: ("assert_model_unchanged", "the precision of cuDNN changed"),
    without_logging: ("assert_model_unchanged", "the level below which nothing is logged changed from 0 to 50"),
    with_a_figure_left_open: ("assert_model_unchanged", "matplotlib's open figures changed"),
    with_an_environment_variable: (
        "assert_model_unchanged",
        "the environment variables changed, CUBLAS_WORKSPACE_CONFIG from None to ':4096:8'",
    ),
    replacing_a_function_of_tensors: ("assert_model_unchanged", "torch.Tensor.relu_ was replaced"),
    with_another_folder_of_imports: ("assert_model_unchanged", "sys.path changed, 0 from .* to 'models'"),
    in_another_folder: ("assert_model_unchanged", "changes the working folder, from .* to /"),
    in_another_locale: ("assert_model_unchanged", "the locale changed from .* to "),
    ignoring_a_signal: (
        "assert_model_unchanged",
        "the handlers of signals changed, SIGTERM from .*SIG_DFL.* to .*SIG_IGN",
    ),
    logging_everything: ("assert_model_unchanged", "the level of logging changed from 30 to 10"),
    without_small_numbers: (
        "assert_model_unchanged",
        "the flushing of small numbers to zero changed from False to True",
    ),
    with_a_hook_on_new_modules: ("assert_model_unchanged", "hooks on all modules changed"),
    silencing_the_output: ("assert_model_unchanged", "the standard streams changed"),
    with_more_threads: ("assert_model_unchanged", "the number of threads changed from"),
    in_double_precision_from_now_on: (
        "assert_model_unchanged",
        "the default dtype changed from torch.float32 to torch.float64",
    ),
    with_deterministic_algorithms: ("assert_model_unchanged", "the deterministic mode changed from 0 to 1"),
    without_garbage_collection: ("assert_model_unchanged", "the garbage collector changed from True to False"),
}
