import type { SessionOutputV1 } from '@runbeat/adapter-sdk';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { contentBlocks, createAcpDialect } from './acp-dialect.js';
import { createConversation } from './conversation.js';
import { createJsonRpcLinesDialect } from './json-rpc-lines-dialect.js';
import { requestIdFromText, requestIdText } from './json-rpc-message.js';

const lines = createJsonRpcLinesDialect({ promptMethod: 'prompt', cancelMethod: 'cancel' });
const start = { connection: null, dialect: lines, promptsInFlight: [], requestsOpen: [] };
const line = (message: object) => ({ kind: 'text', text: JSON.stringify({ jsonrpc: '2.0', ...message }), endOffset: 0 }) as const;

it('keeps ids of requests apart by their type', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.integer()), (id) => {
      expect(requestIdFromText(requestIdText(id))).toBe(id);
    }),
  );
  expect(requestIdFromText('null')).toBeNull();
  expect(requestIdFromText('{')).toBeNull();
});

it('settles every prompt once, whatever the agent says and how often', () => {
  const promptIds = ['a', 'b', 'c'];
  const id = fc.constantFrom(...promptIds, 'stranger', 1);
  const message = fc.oneof(
    fc.record({ id, result: fc.oneof(fc.jsonValue(), fc.constant({ stopReason: 'cancelled' })) }),
    fc.record({ id, error: fc.record({ code: fc.constantFrom(-32_800, -32_000), message: fc.string() }) }),
    fc.record({ method: fc.constantFrom('acknowledged', 'update'), params: fc.record({ promptId: id }) }),
    fc.record({ id, method: fc.constant('ask'), params: fc.jsonValue() }),
    fc.jsonValue().map((value) => ({ value })),
  );
  fc.assert(
    fc.property(fc.array(message, { maxLength: 30 }), (messages) => {
      const conversation = createConversation(start);
      for (const promptId of promptIds) conversation.promptLine(promptId, 'x');
      const outputs: SessionOutputV1[] = messages.flatMap((one) => [...conversation.read(line(one))]);
      for (const promptId of promptIds) {
        const own = outputs.filter((output) => 'promptId' in output && output.promptId === promptId);
        const settled = own.filter(({ kind }) => kind === 'completed' || kind === 'failed' || kind === 'cancelled');
        expect(settled.length).toBe(conversation.promptsInFlight.includes(promptId) ? 0 : 1);
        // Nothing comes under the id of a prompt after it has settled.
        if (settled[0]) expect(own.at(-1)).toBe(settled[0]);
        expect(own.filter(({ kind }) => kind === 'acknowledged').length).toBeLessThanOrEqual(1);
      }
    }),
  );
});

it('answers a question once, and none of a turn that has settled', () => {
  const conversation = createConversation(start);
  conversation.promptLine('p', 'x');
  conversation.read(line({ id: 1, method: 'ask' }));
  conversation.read(line({ id: '1', method: 'ask' }));
  expect(conversation.openRequests).toEqual(['1', '"1"']);
  expect(conversation.answerLine('"1"', true)).toBe('{"jsonrpc":"2.0","id":"1","result":true}');
  expect(conversation.answerLine('"1"', true)).toBeNull();
  conversation.read(line({ id: 'p', result: null }));
  expect(conversation.answerLine('1', true)).toBeNull();
});

it('withdraws a prompt that did not reach the worker', () => {
  const conversation = createConversation(start);
  conversation.promptLine('p', 'x');
  conversation.withdraw('p');
  conversation.withdraw('p');
  expect(conversation.promptsInFlight).toEqual([]);
});

it('makes content blocks of whatever a prompt is', () => {
  const text = [{ type: 'text', text: 'hi' }];
  expect(contentBlocks('hi')).toEqual(text);
  expect(contentBlocks({ text: 'hi' })).toEqual(text);
  expect(contentBlocks(text)).toEqual(text);
  expect(contentBlocks({ prompt: 'hi' })).toEqual(text);
  expect(contentBlocks({ type: 'image', data: '', mimeType: 'image/png' })).toEqual([
    { type: 'image', data: '', mimeType: 'image/png' },
  ]);
  expect(contentBlocks(5)).toEqual([{ type: 'text', text: '5' }]);
});

it('answers open questions as cancelled when an ACP turn is cancelled', () => {
  const conversation = createConversation({
    ...start,
    dialect: createAcpDialect('s'),
    promptsInFlight: ['p'],
    requestsOpen: ['7'],
  });
  expect(conversation.cancelLines('p').map((text) => JSON.parse(text) as unknown)).toEqual([
    { jsonrpc: '2.0', method: 'session/cancel', params: { sessionId: 's' } },
    { jsonrpc: '2.0', id: 7, result: { outcome: { outcome: 'cancelled' } } },
  ]);
});
