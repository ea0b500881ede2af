import Table from 'cli-table3';
import pc from 'picocolors';

const statusColors: Readonly<Record<string, (text: string) => string>> = {
  queued: pc.yellow,
  running: pc.cyan,
  succeeded: pc.green,
  failed: pc.red,
  cancelled: pc.gray,
  timed_out: pc.magenta,
};

/** A status in its colour. */
export function colorStatus(status: string, hasColor: boolean): string {
  return hasColor ? (statusColors[status] ?? ((text: string) => text))(status) : status;
}

/** Columns without lines between them, so that the output can be cut by other programs. */
export function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const empty = {
    top: '',
    'top-mid': '',
    'top-left': '',
    'top-right': '',
    bottom: '',
    'bottom-mid': '',
    'bottom-left': '',
    'bottom-right': '',
    left: '',
    'left-mid': '',
    mid: '',
    'mid-mid': '',
    right: '',
    'right-mid': '',
    middle: '  ',
  };
  const table = new Table({
    head: [...head],
    chars: empty,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
  });
  for (const row of rows) table.push([...row]);
  return `${table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')}\n`;
}

/** `850ms`, `12s`, `3m04s`, `2h10m`, `5d3h`. */
export function formatDuration(durationMs: number): string {
  const ms = Math.max(0, Math.round(durationMs));
  if (ms < 1_000) return `${ms}ms`;
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 60) return `${seconds}s`;
  const two = (value: number): string => String(value).padStart(2, '0');
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m${two(seconds % 60)}s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)}h${two(Math.floor((seconds % 3_600) / 60))}m`;
  return `${Math.floor(seconds / 86_400)}d${Math.floor((seconds % 86_400) / 3_600)}h`;
}

/** `512B`, `1.5KiB`, `3.0MiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1_024 && unit < units.length - 1) {
    value /= 1_024;
    unit += 1;
  }
  return unit === 0 ? `${value}B` : `${value.toFixed(1)}${units[unit]}`;
}

/** How long ago an ISO time was; `-` for none. */
export function formatAge(iso: string | null | undefined, now: Date): string {
  return iso ? formatDuration(now.getTime() - Date.parse(iso)) : '-';
}
