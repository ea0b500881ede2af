/** Codes of the errors that this package throws itself. Each has a line in `docs/errors.md`. */
export const adapterPaperclipErrorCodes = ['paperclip_module_invalid', 'paperclip_module_failed'] as const;

export type AdapterPaperclipErrorCode = (typeof adapterPaperclipErrorCodes)[number];
