import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { z } from 'zod';
import { ServerError } from '../server-error.js';
import { supervisorSettingsSchema } from '../supervisor/supervisor-settings.js';
import { type ServerSettings, serverSettingsSchema } from './server-settings.js';

export interface SettingsSources {
  /** What was typed or passed in code; wins. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Path of a `runbeat.config.json`; absent = the one in the working folder, then the one in the home folder, if there is one. */
  readonly configFile?: string;
  readonly workingDirectory: string;
  /** The home folder when nobody names one. */
  readonly defaultHome: string;
}

/** Where a setting came from, for `runbeat config`. */
export type SettingOrigin = 'flag' | 'environment' | 'file' | 'default';

export interface LoadedSettings {
  readonly settings: ServerSettings;
  readonly origins: Readonly<Record<string, SettingOrigin>>;
  readonly configFile: string | null;
}

/**
 * Flags over `RUNBEAT_*` environment over `runbeat.config.json`. Rejects with `settings_invalid`, naming each wrong
 * setting and where it came from.
 */
export function loadSettings(sources: SettingsSources): LoadedSettings {
  const fromEnvironment = settingsFromEnvironment(sources.environment);
  const file = readConfigFile(sources, homeFrom(sources.flags, fromEnvironment, sources.defaultHome));
  const fromFile = file?.content ?? {};
  const merged = mergeLayers(fromFile, fromEnvironment, definedOnly(sources.flags));
  const parsed = serverSettingsSchema.safeParse({
    ...merged,
    home: resolve(sources.workingDirectory, String(merged['home'] ?? sources.defaultHome)),
  });
  const originOf = (key: string): SettingOrigin =>
    hasPath(sources.flags, key)
      ? 'flag'
      : hasPath(fromEnvironment, key)
        ? 'environment'
        : hasPath(fromFile, key)
          ? 'file'
          : 'default';
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => {
      const path = issue.path.join('.') || (issue.code === 'unrecognized_keys' ? issue.keys.join(', ') : 'settings');
      return `${path} (${originOf(path)}${file && originOf(path) === 'file' ? ` ${file.path}` : ''}): ${issue.message}`;
    });
    throw new ServerError(
      'settings_invalid',
      `These settings cannot be used:\n  ${lines.join('\n  ')}\nSee \`runbeat config\` for all settings and their defaults.`,
    );
  }
  return {
    settings: parsed.data,
    origins: Object.fromEntries(settingPaths().map((path) => [path, originOf(path)])),
    configFile: file?.path ?? null,
  };
}

/** The name of the environment variable of a setting: `supervisor.logFlushMs` → `RUNBEAT_LOG_FLUSH_MS`. */
export function environmentNameFromSetting(path: string): string {
  const name = path.split('.').at(-1) ?? path;
  return `RUNBEAT_${name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase()}`;
}

/** All settings as dotted paths, in the order of the schema. */
export function settingPaths(): string[] {
  const top = Object.keys(serverSettingsSchema.shape).filter((key) => key !== 'supervisor');
  return [...top, ...Object.keys(supervisorSettingsSchema.shape).map((key) => `supervisor.${key}`)];
}

function settingsFromEnvironment(environment: SettingsSources['environment']): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const path of settingPaths()) {
    const raw =
      environment[environmentNameFromSetting(path)] ?? (path === 'databaseUrl' ? environment['DATABASE_URL'] : undefined);
    if (raw === undefined || raw === '') continue;
    setPath(result, path, valueFromText(raw));
  }
  return result;
}

/** Numbers, booleans and JSON are written as such; everything else is text. */
function valueFromText(raw: string): unknown {
  const text = raw.trim();
  if (!/^(-?\d+(\.\d+)?|true|false|[[{].*)$/s.test(text)) return raw;
  try {
    return JSON.parse(text);
  } catch {
    // Text that only looks like JSON goes on to the schema, which says what it expected.
    return raw;
  }
}

function readConfigFile(sources: SettingsSources, home: string): { path: string; content: Record<string, unknown> } | null {
  const candidates = sources.configFile
    ? [resolve(sources.workingDirectory, sources.configFile)]
    : [resolve(sources.workingDirectory, 'runbeat.config.json'), resolve(home, 'runbeat.config.json')];
  const path = candidates.find((candidate) => existsSync(candidate));
  if (!path) {
    if (sources.configFile)
      throw new ServerError('settings_invalid', `There is no settings file at ${candidates[0]}. Check --config.`);
    return null;
  }
  try {
    const content: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof content !== 'object' || content === null || Array.isArray(content))
      throw new ServerError('settings_invalid', 'it holds no JSON object');
    return { path, content: content as Record<string, unknown> };
  } catch (error) {
    throw new ServerError('settings_invalid', `The settings file ${path} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function homeFrom(flags: SettingsSources['flags'], fromEnvironment: Record<string, unknown>, defaultHome: string): string {
  return String(flags['home'] ?? fromEnvironment['home'] ?? defaultHome);
}

function mergeLayers(...layers: readonly Readonly<Record<string, unknown>>[]): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const layer of layers) {
    for (const [key, value] of Object.entries(layer)) {
      const isNested = key === 'supervisor' && typeof value === 'object' && value !== null;
      result[key] = isNested
        ? { ...(result[key] as object | undefined), ...definedOnly(value as Record<string, unknown>) }
        : value;
    }
  }
  return result;
}

function definedOnly(record: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined));
}

function hasPath(record: Readonly<Record<string, unknown>>, path: string): boolean {
  let current: unknown = record;
  for (const part of path.split('.')) {
    if (typeof current !== 'object' || current === null) return false;
    current = (current as Record<string, unknown>)[part];
  }
  return current !== undefined;
}

function setPath(record: Record<string, unknown>, path: string, value: unknown): void {
  const [head = path, ...rest] = path.split('.');
  if (rest.length === 0) {
    record[head] = value;
    return;
  }
  const child = (record[head] ?? {}) as Record<string, unknown>;
  record[head] = child;
  setPath(child, rest.join('.'), value);
}

/** One row of `runbeat config`. */
export function describeSettings(
  loaded: LoadedSettings,
): readonly { path: string; value: unknown; origin: SettingOrigin; variable: string; description: string }[] {
  return settingPaths().map((path) => {
    const [head = path, nested] = path.split('.');
    const schema = (
      nested
        ? supervisorSettingsSchema.shape[nested as keyof typeof supervisorSettingsSchema.shape]
        : serverSettingsSchema.shape[head as keyof typeof serverSettingsSchema.shape]
    ) as z.ZodType;
    const parent = loaded.settings as unknown as Record<string, unknown>;
    const value = nested ? (parent[head] as Record<string, unknown>)[nested] : parent[head];
    return {
      path,
      value,
      origin: loaded.origins[path] ?? 'default',
      variable: environmentNameFromSetting(path),
      description: schema.description ?? '',
    };
  });
}
