import { readFileSync } from 'node:fs';
import { adapterHostErrorCodes } from '@runbeat/adapter-host';
import { adapterLocalErrorCodes } from '@runbeat/adapter-local';
import { adapterSdkErrorCodes, hostFailureCodes } from '@runbeat/adapter-sdk';
import { clientErrorCodes } from '@runbeat/client';
import { runnerErrorCodes } from '@runbeat/runner';
import { serverErrorCodes, supervisorErrorCodes } from '@runbeat/server';
import { cliErrorCodes } from 'runbeat';
import { expect, it } from 'vitest';

/** Codes by section of the document. */
function documentedCodes(): Map<string, string[]> {
  const sections = new Map<string, string[]>();
  let section = '';
  for (const line of readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8').split('\n')) {
    const heading = /^## (.+)$/.exec(line)?.[1];
    if (heading) section = heading;
    const code = /^\| `([^`]+)` \|/.exec(line)?.[1];
    if (code) sections.set(section, [...(sections.get(section) ?? []), code]);
  }
  return sections;
}

const lists: readonly (readonly [string, readonly string[]])[] = [
  ['adapter-v1 (failure codes that the host knows)', hostFailureCodes],
  ['@runbeat/adapter-sdk', adapterSdkErrorCodes],
  ['@runbeat/adapter-local', adapterLocalErrorCodes],
  ['@runbeat/adapter-host', adapterHostErrorCodes],
  ['@runbeat/server', [...new Set([...serverErrorCodes, ...supervisorErrorCodes])]],
  ['@runbeat/client', clientErrorCodes],
  ['@runbeat/runner', runnerErrorCodes],
  ['runbeat (CLI)', cliErrorCodes],
];

it.each(lists)('docs/errors.md lists the codes of %s, each once and no others', (section, codes) => {
  expect([...(documentedCodes().get(section) ?? [])].sort()).toEqual([...codes].sort());
});
