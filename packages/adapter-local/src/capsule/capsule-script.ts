/**
 * The capsule: a POSIX shell that leads a process group, runs the command and writes down how it ended. It outlives every
 * host. Run as `sh SCRIPT_FILE FOLDER LIMIT_BLOCKS COMMAND [ARGUMENT…]`; descriptors: 0 the gate, 1 the command's stdout,
 * 2 the shell's own words, 3 the command's stderr, 4 the command's stdin (runs only).
 *
 * - It is a file, since bash reports the signal that ended a command only there, and not with `sh -c`.
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
function capsule(parts: { readonly before: string; readonly stdin: string; readonly after: string }): string {
  return `
d=$1 limit=$2
shift 2
trap : TERM INT HUP
if ! { IFS= read -r go && [ "$go" = go ]; }; then
  printf 'not_started\\n' >"$d/exit"
  exit 0
fi
exec </dev/null
${parts.before}
(
  trap 'echo $? >"$d/exec-failed"' EXIT
  ulimit -f "$limit"
  if { IFS= read -r stat </proc/self/stat; } 2>/dev/null; then
    printf '%s\\n' "$stat" >"$d/command"
    ${parts.stdin}
    exec "$@" 2>&3 3>&-
  fi
  ${parts.stdin}
  exec /bin/sh -c 'd=$1; shift; trap '\\''echo $? >"$d/exec-failed"'\\'' EXIT
    echo $$ >"$d/command"; exec "$@" 2>&3 3>&-' sh "$d" "$@"
)
code=$?
${parts.after}
until printf '%s\\n' "$code" >"$d/exit"; do
  [ -d "$d" ] || exit 1
  sleep 1
done
`;
}

/** For a run: stdin is descriptor 4, a file or nothing. */
export const runCapsuleScript = capsule({ before: '', stdin: 'exec 0<&4 4<&-', after: '' });

/**
 * For a conversation: stdin is the FIFO `stdin`. A second shell holds a writing end of it, and nothing reads it but the
 * command: so a host that dies does not end the conversation, while a command that closes its stdin or dies breaks every
 * write at once. The holder ends, and the command sees the end of its stdin, when a host opens and closes the FIFO
 * `close`. To get a writing end without a reader the FIFO is opened for both first. `opened` appears when the command's
 * reading end is there: from then on "nobody reads" means what it says.
 */
export const sessionCapsuleScript = capsule({
  before: `mkfifo -m 600 "$d/stdin" "$d/close" || exit 1
exec 5<>"$d/stdin" 6>"$d/stdin" 5<&-
( IFS= read -r end <"$d/close" ) &
holder=$!
exec 6>&-`,
  stdin: `exec 0<"$d/stdin"
    : >"$d/opened"`,
  after: `{
  kill "$holder"
  wait "$holder"
} 2>/dev/null`,
});
