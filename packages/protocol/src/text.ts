import { z } from 'zod';

/** A line of text that a person reads in a list: a name, a title, a reason. */
export const shortText = (maximumCharacters = 200) => z.string().trim().min(1).max(maximumCharacters);

/** Text of any shape; `maximumCharacters` counts UTF-16 units. */
export const longText = (maximumCharacters: number) => z.string().max(maximumCharacters);

/** Longest prompt: 1 Mi characters. The wakeup route takes bodies large enough for it. */
export const promptLimitCharacters = 1_048_576;
