import { constants } from 'node:os';
import { z } from 'zod';
import { presetNames } from './presets/index.js';
import { templateProblem } from './stdin-template.js';

const signalNames = Object.keys(constants.signals) as [NodeJS.Signals, ...NodeJS.Signals[]];
const noNul = (text: string): boolean => !text.includes('\0');
const nulMessage = 'A NUL character cannot be handed to a program.';

const output = z
  .strictObject({
    /** How the dashboard may show stdout: as it is, or as one JSON value a line. */
    format: z.enum(['text', 'json-lines']).default('text'),
    /** Knows the command line and the output of an agent CLI. */
    preset: z.enum(presetNames).optional(),
  })
  .default({ format: 'text' });

const fields = {
  /** Path or name of the program; never a shell line. May be left out with a preset. */
  command: z.string().min(1, 'Name a program.').refine(noNul, nulMessage).optional(),
  /** Arguments, each handed over as it is. With a preset they are added to the preset's own. */
  args: z.array(z.string().refine(noNul, nulMessage)).default([]),
  /** Working directory. Absent = that of the server. */
  cwd: z.string().min(1, 'Name a directory, or leave cwd out.').refine(noNul, nulMessage).optional(),
  /** Variables for the command, beside PATH, HOME, locale, proxies and RUNBEAT_*. */
  env: z.record(z.string().regex(/^[^=\0]+$/, 'Not a variable name.'), z.string().refine(noNul, nulMessage)).default({}),
  /** What the command reads, with `{{…}}` for parts of the run's input. Absent = the prompt; `""` = nothing. */
  stdin: z
    .string()
    .superRefine((text, context) => {
      const problem = templateProblem(text);
      if (problem !== null) context.addIssue({ code: 'custom', message: problem });
    })
    .optional(),
  /** From the stop signal to SIGKILL, in milliseconds. */
  graceMs: z.int().min(0).max(3_600_000).default(10_000),
  /** Asks the command to stop. */
  signal: z.enum(signalNames).default('SIGTERM'),
  output,
};

function needsCommand(config: { command?: string | undefined; output: { preset?: string | undefined } }): boolean {
  return config.command !== undefined || config.output.preset !== undefined;
}
const commandMissing = { path: ['command'], message: 'Name the program to run, or set output.preset.' };

const interactive = z.discriminatedUnion('protocol', [
  z.strictObject({ protocol: z.literal('acp') }),
  z.strictObject({
    protocol: z.literal('json-rpc-lines'),
    /** Method whose params are the prompt. */
    promptMethod: z.string().min(1).default('prompt'),
    /** Notification `{ id }` that asks for the end of a prompt. */
    cancelMethod: z.string().min(1).default('cancel'),
  }),
]);

/** Config of the type `local`. Unknown fields are refused, so that a misspelt one is noticed. */
export const localConfig = z
  .strictObject({
    ...fields,
    /** Most bytes of stdout, of stderr, and of any other file that the command writes. */
    spoolLimitBytes: z.int().min(512).max(1_099_511_627_776).default(1_073_741_824),
    /** How to hold a conversation over stdin and stdout; absent = the agent takes single runs only. */
    interactive: interactive.optional(),
  })
  .refine(needsCommand, commandMissing);

/** Config of the type `local-attached`: the same without what only files need. */
export const localAttachedConfig = z.strictObject(fields).refine(needsCommand, commandMissing);

export type LocalConfig = z.infer<typeof localConfig>;
export type LocalAttachedConfig = z.infer<typeof localAttachedConfig>;
