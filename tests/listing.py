"""The files of the project: what git knows and what is new, or, where git cannot be asked (no .git, another owner), what lies there."""
import os
import subprocess


def walked(root):
    for folder, folders, names in os.walk(root):
        top = folder == root
        folders[:] = [name for name in folders if name not in (".git", "__pycache__") and not (top and name.startswith("build"))]
        yield from (os.path.relpath(os.path.join(folder, name), root) for name in names if not name.endswith(".pyc"))


def files(root, parts=()):
    """Paths below root, sorted; with parts, only those of these files and folders."""
    try:
        asked = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True)
        listed = asked.stdout.splitlines() if asked.returncode == 0 else walked(root)
    except FileNotFoundError:
        listed = walked(root)
    return sorted({path for path in listed if os.path.isfile(os.path.join(root, path)) and (not parts or path in parts or path.split("/")[0] in parts)})
