/**
 * The capsule: a POSIX shell that leads the run's process group, runs the command and writes down how it ended. It
 * outlives every host. Run as `sh -c SCRIPT sh FOLDER LIMIT_BLOCKS COMMAND [ARGUMENT…]`; descriptors: 0 the gate, 1 the
 * command's stdout, 2 the shell's own words, 3 the command's stderr, 4 the command's stdin.
 *
 * - It waits for the line `go`, which the host writes once the handle is stored. The end of the gate instead means that
 *   the host died first: nothing was run, and `exit` says so.
 * - A trapped signal is not inherited, an ignored one would be: so the command has default dispositions, while the
 *   capsule survives a SIGTERM of the whole group and can still write the exit status.
 * - The command replaces a subshell in the foreground, since background jobs of a shell ignore SIGINT and SIGQUIT.
 *   Only when `exec` fails does the subshell live on to its EXIT trap: that tells a missing command from one that itself
 *   ends with 127.
 * - `/proc/self/stat` read by the subshell is the subshell's, hence the command's; elsewhere a second shell tells its pid.
 * - `ulimit -f` counts blocks of 512 bytes and is set in the subshell only, so that `exit` can always be written.
 * - `exit` is one short `write`, complete with its line end or not there at all; on a full disk it is tried again.
 */
export const capsuleScript = `
d=$1 limit=$2
shift 2
trap : TERM INT HUP
if ! { IFS= read -r go && [ "$go" = go ]; }; then
  printf 'not_started\\n' >"$d/exit"
  exit 0
fi
exec </dev/null
(
  trap 'echo $? >"$d/exec-failed"' EXIT
  ulimit -f "$limit"
  if { IFS= read -r stat </proc/self/stat; } 2>/dev/null; then
    printf '%s\\n' "$stat" >"$d/command"
    exec "$@" 0<&4 2>&3 3>&- 4<&-
  fi
  exec /bin/sh -c 'd=$1; shift; trap '\\''echo $? >"$d/exec-failed"'\\'' EXIT
    echo $$ >"$d/command"; exec "$@" 0<&4 2>&3 3>&- 4<&-' sh "$d" "$@"
)
code=$?
until printf '%s\\n' "$code" >"$d/exit"; do
  [ -d "$d" ] || exit 1
  sleep 1
done
`;
