# What the commands of deploy/ share. Sourced, not run.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# build_in DIR [meson options]: configure DIR when it is new, then build it. One builder at a time: a second command waits.
# build_targets=(...) before it builds only those.
build_targets=()
build_in() {
  local dir=$1; shift
  mkdir -p "$dir"
  (
    flock 9
    if [ ! -f "$dir/build.ninja" ]; then
      quietly "$dir/setup.log" meson setup "$dir" "$root" "$@"
    fi
    quietly "$dir/build.log" ninja -C "$dir" "${build_targets[@]}"
  ) 9>"$dir/.lock"
}

# quietly LOG COMMAND...: its output only when it fails.
quietly() {
  local log=$1; shift
  "$@" >"$log" 2>&1 || { tail -n 60 "$log" >&2; echo "failed: $*  (whole log: $log)" >&2; return 1; }
}
