// What runs on the other host: POSIX shell, nothing to install there. Each script is sent over ssh's stdin, so that
// neither secrets nor long arguments show up in a process list. `$1` and so on are quoted by `scriptWith`.

/** A text as one word of a shell, whatever is in it. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** The script with its positional parameters set. */
export function scriptWith(script: string, ...parameters: readonly string[]): string {
  return `set -- ${parameters.map(quoted).join(' ')}\n${script}\n`;
}

/**
 * $1 folder, $2 working folder (may be empty), then the command. Variables are exported before it.
 * The capsule (`sh -c`) outlives the command and writes how it ended; it handles TERM so that it is not ended first. A
 * handled signal is reset to its default in the command, an ignored one would stay ignored.
 */
export const startScript = `
folder=$HOME/$1; cwd=$2; shift 2
mkdir -p -m 700 "$HOME/.runbeat-ssh" || exit 1
# A folder that exists: this run was started before and only the answer was lost.
mkdir -m 700 "$folder" 2>/dev/null || { [ -d "$folder" ] && exit 0; exit 1; }
# Runs that ended a week ago are with their server by now.
find "$HOME/.runbeat-ssh" -mindepth 2 -maxdepth 2 -name exit -mtime +7 -exec sh -c 'rm -rf "\${1%/exit}"' sh {} ';' </dev/null >/dev/null 2>&1 &
cd "\${cwd:-$HOME}" || { rmdir "$folder"; exit 3; }
: >"$folder/stdout"; : >"$folder/stderr"
capsule='folder=$1; shift
trap : TERM INT HUP
"$@" >>"$folder/stdout" 2>>"$folder/stderr" </dev/null
echo $? >"$folder/exit.new" && mv "$folder/exit.new" "$folder/exit"'
if command -v setsid >/dev/null; then
  setsid sh -c "$capsule" capsule "$folder" "$@" </dev/null >/dev/null 2>&1 &
else
  nohup sh -c "$capsule" capsule "$folder" "$@" </dev/null >/dev/null 2>&1 &
fi
echo $! >"$folder/pid"
`;

/** Defines `members`: pids of the run $1 that run. On Linux by the run's id in their environment, else by the capsule. */
const members = `
members() {
  if [ -r /proc/self/environ ]; then
    for environ in $(grep -lsxzF "RUNBEAT_RUN_ID=$1" /proc/[0-9]*/environ 2>/dev/null); do
      pid=\${environ#/proc/}; pid=\${pid%/environ}
      grep -qs '^State:[[:space:]]*Z' "/proc/$pid/status" || echo "$pid"
    done
  else
    pid=$(cat "$2/pid" 2>/dev/null) && kill -0 "$pid" 2>/dev/null && echo "$pid"
  fi
}
`;

/** $1 run id, $2 folder. Prints `exit N`, `alive` or `gone`. */
export const statusScript = `${members}
folder=$HOME/$2
if [ -f "$folder/exit" ]; then echo "exit $(cat "$folder/exit")"
elif [ -n "$(members "$1" "$folder")" ]; then echo alive
# It may have ended between the two looks.
elif [ -f "$folder/exit" ]; then echo "exit $(cat "$folder/exit")"
else echo gone; fi
`;

/**
 * $1 run id, $2 folder, $3 grace in tenths of a second. Prints `already_gone`, `graceful` or `forced`. The end is
 * written where the capsule would have written it, so that a later look finds one.
 */
export const stopScript = `${members}
folder=$HOME/$2
all=$(members "$1" "$folder")
if [ -z "$all" ]; then echo already_gone; exit 0; fi
kill -TERM $all 2>/dev/null
left=$3
while [ "$left" -gt 0 ]; do
  if [ -z "$(members "$1" "$folder")" ]; then echo graceful; exit 0; fi
  sleep 0.1 2>/dev/null || { sleep 1; left=$((left - 9)); }
  left=$((left - 1))
done
all=$(members "$1" "$folder")
if [ -z "$all" ]; then echo graceful; exit 0; fi
while [ -n "$all" ]; do
  kill -KILL $all 2>/dev/null
  sleep 0.1 2>/dev/null || sleep 1
  all=$(members "$1" "$folder")
done
if [ -d "$folder" ] && [ ! -f "$folder/exit" ]; then echo 137 >"$folder/exit"; fi
echo forced
`;

/**
 * $1 run id, $2 folder, $3 and $4 offsets in stdout and stderr. Sends frames until the work has ended: `o N` or `e N` and N
 * bytes, `alive` about once a second, `exit N` or `gone` at last. Ends by itself when nobody reads any more.
 */
export const followScript = `${members}
folder=$HOME/$2; o=$3; e=$4; quiet=0
send() {
  size=$(wc -c <"$folder/$2" 2>/dev/null) || return 1
  n=$((size - $3))
  [ "$n" -gt 0 ] || return 1
  [ "$n" -le 262144 ] || n=262144
  printf '%s %s\\n' "$1" "$n" && tail -c +$(($3 + 1)) "$folder/$2" | head -c "$n"
}
while :; do
  ended=
  if [ -f "$folder/exit" ]; then ended=$(cat "$folder/exit"); fi
  sent=
  while send o stdout "$o"; do o=$((o + n)); sent=1; done
  while send e stderr "$e"; do e=$((e + n)); sent=1; done
  if [ -n "$ended" ]; then echo "exit $ended"; exit 0; fi
  if [ -z "$sent" ]; then
    quiet=$((quiet + 1))
    if [ "$quiet" -ge 10 ]; then
      quiet=0
      if [ -n "$(members "$1" "$folder")" ]; then echo alive
      elif [ ! -f "$folder/exit" ]; then echo gone; exit 0; fi
    fi
    sleep 0.1 2>/dev/null || sleep 1
  fi
done
`;

/** $1 run id: the folders of all of its attempts, one a line. */
export const foldersScript = `
cd "$HOME" 2>/dev/null && for folder in .runbeat-ssh/"$1".*; do [ -d "$folder" ] && echo "$folder"; done
exit 0
`;
