"""CORL's programs as modules. They are not part of this project: fetch corl-team/CORL yourself."""

import importlib.util
import pathlib
import sys
import types


def load_program(path):
    """The classes of one program, without the packages that only its `train` needs."""
    for name in ("d4rl", "gym", "pyrallis", "wandb"):
        sys.modules[name] = types.ModuleType(name)
    sys.modules["gym"].Env = object
    sys.modules["pyrallis"].wrap = lambda: lambda function: function
    spec = importlib.util.spec_from_file_location(f"corl_{pathlib.Path(path).stem}", path)
    module = importlib.util.module_from_spec(spec)
    # Its dataclasses look for themselves there.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def load_corl(folder, name):
    """The classes of `name`.py in folder, folder/offline or folder/finetune."""
    places = [pathlib.Path(folder) / part / f"{name}.py" for part in ("", "offline", "finetune")]
    found = [place for place in places if place.exists()]
    if not found:
        sys.exit(f"no CORL program at any of {', '.join(map(str, places))}")
    return load_program(found[0])
