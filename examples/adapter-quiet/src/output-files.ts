import { type FileHandle, open } from 'node:fs/promises';
import { createUtf8Decoder, type RunSinksV1, type Utf8Decoder } from '@runbeat/adapter-sdk';
import type { Workload } from './workload.js';

/** Reads what a program has written since the last time. */
export interface OutputFiles {
  /** Hands on all that is there now; true when there was something. */
  deliver(): Promise<boolean>;
  /** The program has ended: hands on the rest, whole or not. */
  finish(): Promise<void>;
  close(): Promise<void>;
}

const blockBytes = 65_536;

export async function openOutputFiles(files: Workload['files'], sinks: RunSinksV1): Promise<OutputFiles> {
  const streams = [
    { name: 'stdout' as const, file: await open(files.stdout), decoder: createUtf8Decoder() },
    { name: 'stderr' as const, file: await open(files.stderr), decoder: createUtf8Decoder() },
  ];
  const deliver = async (): Promise<boolean> => {
    let hasDelivered = false;
    for (const { name, file, decoder } of streams) {
      for await (const text of newText(file, decoder)) {
        await sinks.onLog(name, text);
        hasDelivered = true;
      }
    }
    return hasDelivered;
  };
  return {
    deliver,
    async finish() {
      await deliver();
      for (const { name, decoder } of streams) {
        const rest = decoder.flush();
        if (rest !== '') await sinks.onLog(name, rest);
      }
    },
    async close() {
      await Promise.all(streams.map(({ file }) => file.close()));
    },
  };
}

async function* newText(file: FileHandle, decoder: Utf8Decoder): AsyncGenerator<string> {
  const block = Buffer.alloc(blockBytes);
  while (true) {
    const { bytesRead } = await file.read(block, 0, blockBytes, decoder.offset + decoder.pendingBytes);
    if (bytesRead === 0) return;
    for (const { text } of decoder.pushPieces(block.subarray(0, bytesRead))) yield text;
  }
}
