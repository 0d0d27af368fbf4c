"""CORL's programs as modules. They are not part of this project: fetch corl-team/CORL yourself."""

import importlib.util
import pathlib
import sys
import types


def load_corl(folder, name):
    """Classes of `name`.py, looked for in folder, folder/offline and folder/finetune."""
    for program in ("d4rl", "gym", "pyrallis", "wandb"):
        sys.modules[program] = types.ModuleType(program)
    sys.modules["gym"].Env = object
    sys.modules["pyrallis"].wrap = lambda: lambda function: function
    places = [pathlib.Path(folder) / part / f"{name}.py" for part in ("", "offline", "finetune")]
    found = [place for place in places if place.exists()]
    if not found:
        sys.exit(f"no CORL program at any of {', '.join(map(str, places))}")
    spec = importlib.util.spec_from_file_location(f"corl_{name}", found[0])
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
