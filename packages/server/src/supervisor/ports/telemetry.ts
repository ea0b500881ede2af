/** Off unless the operator turns it on; `DO_NOT_TRACK` wins. No names, no prompts. */
export interface Telemetry {
  track(
    event:
      | { readonly name: 'agent.first_heartbeat'; readonly role: string }
      | {
          readonly name: 'agent.task_completed';
          readonly role: string;
          readonly adapterType: string;
          readonly model: string | null;
        },
  ): void;
}

export const noTelemetry: Telemetry = { track: () => undefined };
