import { CliError } from './cli-error.js';
import { exitCodes } from './exit-codes.js';

/** What a wakeup request may carry as a prompt. */
const limitBytes = 1_048_576;

/** All of standard input as text; rejects with `stdin_too_large` past 1 MiB. */
export async function readStandardInput(): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin) {
    const bytes = Buffer.from(chunk as Uint8Array);
    size += bytes.length;
    if (size > limitBytes)
      throw new CliError(
        'stdin_too_large',
        'A prompt is at most 1 MiB. Put the text in a file and name the file in the prompt.',
        { exitCode: exitCodes.usage },
      );
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}
