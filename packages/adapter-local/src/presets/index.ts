import { claude } from './claude.js';
import { codex } from './codex.js';
import { gemini } from './gemini.js';
import type { Preset } from './preset.js';

/** All agent CLIs that are known by name. */
export const presets = { claude, codex, gemini } as const satisfies Record<string, Preset>;

export type PresetName = keyof typeof presets;

export const presetNames = Object.keys(presets) as [PresetName, ...PresetName[]];
