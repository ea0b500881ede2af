/** Codes of the errors that this package throws itself. Each has a line in `docs/errors.md`. */
export const adapterPaperclipErrorCodes = ['paperclip_module_failed', 'paperclip_module_invalid'] as const;

export type AdapterPaperclipErrorCode = (typeof adapterPaperclipErrorCodes)[number];
