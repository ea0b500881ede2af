import type { OutputStreamV1 } from '@runbeat/adapter-sdk';

/** Where a log reader delivers to. All calls are awaited: that is the back-pressure. */
export interface LogSink {
  /** At most 64 KiB of text; `cursor` stands behind it, `time` is the container's. */
  text(stream: OutputStreamV1, text: string, mark: { cursor: string; time: string }): Promise<void>;
  /** Bytes of the source are lost here, or may be: one `system` line that says what is known. */
  gap(message: string, cursor: string): Promise<void>;
  /** The work is alive though it prints nothing. */
  alive(): Promise<void>;
  /** For people: a degraded feature, a log that cannot be read at present. */
  notice(type: string, message: string): Promise<void>;
}

/** What one request for a log gave. */
export interface LogReadResult {
  /** Whether anything new was delivered. */
  readonly hasAdded: boolean;
  /** Identifies what stands unterminated at the end; empty = nothing. */
  readonly restKey: string;
}

/** A container's log, in one of the two modes, from its cursor on. */
export interface ContainerLog {
  /** One request. Rejects with a KubernetesApiError when the body did not end cleanly; nothing is lost then. */
  read(options: { isFollow: boolean; signal: AbortSignal }): Promise<LogReadResult>;
  /** The container has ended and its log was read twice without news: what stands unterminated is its last output. */
  finish(terminationMessage: string): Promise<void>;
}

export interface LogQuery {
  readonly follow: boolean;
  readonly tailLines?: number;
}
