import type { InteractiveV1 } from '@runbeat/adapter-sdk';
import type { LocalConfig } from '../config.js';
import type { FolderRetention } from '../recover/folder-retention.js';
import { openSession } from './open-session.js';
import { reattachSession } from './reattach-session.js';
import type { SessionOptions } from './session-parts.js';
import type { StdinWriterOptions } from './stdin-writer.js';

export interface LocalInteractiveOptions {
  readonly runsDirectory: () => string;
  readonly retention: FolderRetention;
  readonly stdin?: StdinWriterOptions;
}

/** Conversations with workers that outlive the host. Which protocol is spoken stands in the agent's config. */
export function localInteractive(options: LocalInteractiveOptions): InteractiveV1<LocalConfig> {
  const sessionOptions = (): SessionOptions => ({
    runsDirectory: options.runsDirectory(),
    ...(options.stdin === undefined ? {} : { stdin: options.stdin }),
    onEnded(folder) {
      options.retention.returned(folder);
      // What cannot be removed now is due again at the next sweep.
      options.retention.sweep().catch(() => {});
    },
  });
  return {
    protocol: 'acp',
    protocolFor: (config) => config.interactive?.protocol ?? null,
    open: (context) => openSession(context, sessionOptions()),
    reattach: (context) => reattachSession(context, sessionOptions()),
  };
}
