import { randomBytes, randomUUID } from 'node:crypto';

/** A text that is an id of one kind; the mark exists for the compiler only. */
export type Branded<Name extends string> = string & { readonly '~brand': Name };

export type CompanyId = Branded<'CompanyId'>;
export type AgentId = Branded<'AgentId'>;
export type RunId = Branded<'RunId'>;
export type WakeupRequestId = Branded<'WakeupRequestId'>;
export type IssueId = Branded<'IssueId'>;
export type IssueCommentId = Branded<'IssueCommentId'>;
/** One database, with all servers that share it. */
export type InstallationId = Branded<'InstallationId'>;
/** One server process; new with every start. */
export type InstanceId = Branded<'InstanceId'>;
export type RunnerId = Branded<'RunnerId'>;
export type SessionId = Branded<'SessionId'>;

/**
 * A new id: a UUID of version 7, so that ids sort by the time they were made and indexes grow at one end.
 * The only place where ids are made.
 */
export function createId<Id extends string>(now: Date = new Date()): Id {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(now.getTime(), 0, 6);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}` as Id;
}

/** A new random id of no order, for things whose age must not be guessed from it. */
export function createRandomId<Id extends string>(): Id {
  return randomUUID() as string as Id;
}
