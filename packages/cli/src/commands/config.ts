import type { Command } from 'commander';
import type { CommandContext } from '../command-line.js';
import { settingsFromOptions } from '../connect/connect.js';
import { formatTable } from '../output/format.js';
import { writeText } from '../output/terminal.js';

/** `runbeat config`: every setting with its value, where that came from, and the variable that sets it. */
export function registerConfig(program: Command, context: CommandContext): void {
  program
    .command('config')
    .description('show every setting, its value and where it comes from')
    .action(async (_own: unknown, command: Command) => {
      const options = context.options<object>(command);
      const { describeSettings } = await import('@runbeat/server');
      const loaded = await settingsFromOptions(options);
      const rows = describeSettings(loaded).map((row) => ({
        ...row,
        value: row.path === 'databaseUrl' ? hidePassword(row.value) : row.value,
      }));
      if (options.json)
        return writeText(context.terminal.stdout, `${JSON.stringify({ configFile: loaded.configFile, settings: rows })}\n`);
      await writeText(context.terminal.stdout, `settings file: ${loaded.configFile ?? 'none'}\n\n`);
      await writeText(
        context.terminal.stdout,
        formatTable(
          ['SETTING', 'VALUE', 'FROM', 'VARIABLE', 'MEANING'],
          rows.map((row) => [
            row.path,
            row.value === undefined ? '-' : JSON.stringify(row.value),
            row.origin,
            row.variable,
            row.description,
          ]),
        ),
      );
    });
}

function hidePassword(value: unknown): unknown {
  return typeof value === 'string' ? value.replace(/\/\/([^:@/]*):[^@]*@/, '//$1:***@') : value;
}
