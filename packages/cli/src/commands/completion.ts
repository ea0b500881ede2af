import type { Command } from 'commander';
import { CliError } from '../cli-error.js';
import type { CommandContext } from '../command-line.js';
import { exitCodes } from '../exit-codes.js';
import { writeText } from '../output/terminal.js';

/** `runbeat completion SHELL`: a completion script, made from the commands as they are. */
export function registerCompletion(program: Command, context: CommandContext): void {
  program
    .command('completion')
    .description('print a completion script: source <(runbeat completion bash)')
    .argument('<shell>', 'bash, zsh or fish')
    .action(async (shell: string) => {
      const words = wordsFromProgram(program);
      const script =
        shell === 'bash'
          ? bashScript(words)
          : shell === 'zsh'
            ? `autoload -U +X bashcompinit && bashcompinit\n${bashScript(words)}`
            : shell === 'fish'
              ? fishScript(words)
              : null;
      if (script === null)
        throw new CliError('usage_invalid', `There are scripts for bash, zsh and fish, not for "${shell}".`, {
          exitCode: exitCodes.usage,
        });
      await writeText(context.terminal.stdout, script);
    });
}

/** What may follow each command path: subcommands and long options. */
function wordsFromProgram(program: Command): ReadonlyMap<string, readonly string[]> {
  const result = new Map<string, readonly string[]>();
  const visit = (command: Command, path: string): void => {
    const options = command.options.map((option) => option.long).filter((long) => long !== undefined && long !== null);
    result.set(path, [...command.commands.map((child) => child.name()), ...options]);
    for (const child of command.commands) visit(child, path === '' ? child.name() : `${path} ${child.name()}`);
  };
  visit(program, '');
  return result;
}

function bashScript(words: ReadonlyMap<string, readonly string[]>): string {
  const cases = [...words].map(([path, next]) => `    "${path}") words="${next.join(' ')}" ;;`).join('\n');
  return `_runbeat() {
  local path="" word words=""
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in
      -*) ;;
      *) case " ${[...words.keys()].filter((path) => path !== '').join(' | ')} " in *" \${path:+$path }$word "*) path="\${path:+$path }$word" ;; esac ;;
    esac
  done
  case "$path" in
${cases}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _runbeat runbeat
`;
}

function fishScript(words: ReadonlyMap<string, readonly string[]>): string {
  const lines = [...words].flatMap(([path, next]) => {
    const parts = path === '' ? [] : path.split(' ');
    const condition =
      path === '' ? '__fish_use_subcommand' : parts.map((part) => `__fish_seen_subcommand_from ${part}`).join('; and ');
    return next.map((word) =>
      word.startsWith('--')
        ? `complete -c runbeat -n '${condition}' -l ${word.slice(2)}`
        : `complete -c runbeat -f -n '${condition}' -a ${word}`,
    );
  });
  return `${lines.join('\n')}\n`;
}
