import type { ContainerStatus, Pod } from './api-objects.js';
import { badRequest, failure, invalid, notFound } from './api-status.js';
import { type CriLog, createCriReader, type LogReadOptions } from './cri-log.js';
import type { ApiRequest } from './request.js';

/** Faults of the kubelet's log path that a test can switch on. */
export interface LogFaults {
  /** The next follows end with this text inside the 200, as a kubelet's error does. */
  inBandError: { text: string; times: number; afterBytes: number } | null;
  /** Follows are cut cleanly after this long: 4 h on a real kubelet. */
  followLimitMs: number;
  /** How long a request waits for a frozen kubelet before its 500. */
  frozenWaitMs: number;
}

/** GET …/pods/x/log (test/golden/07a, 07c, 07d). */
export async function handleLog(request: ApiRequest, podName: string, faults: LogFaults): Promise<void> {
  const { cluster, kubelet, namespace, query, response } = request;
  if (namespace === null) throw badRequest('namespace required');
  checkAccept(request);
  const options = parseOptions(query, podName);
  const pod = cluster.store.get('pods', namespace, podName);
  if (!pod) throw notFound('pods', podName);
  const container = chosenContainer(pod, query.get('container'));
  if (query.get('previous') === 'true') {
    throw badRequest(`previous terminated container "${container}" in pod "${podName}" not found`);
  }
  if (pod.spec.nodeName === undefined) {
    response.writeHead(204, { 'Cache-Control': 'no-cache, private' }).end();
    return;
  }
  if (kubelet.state === 'frozen') {
    await cluster.delay(faults.frozenWaitMs);
    const url = `https://127.0.0.1:10250/containerLogs/${namespace}/${podName}/${container}`;
    throw failure({ code: 500, message: `Get "${url}": net/http: TLS handshake timeout` });
  }
  if (kubelet.state === 'just-restarted') throw logNotFound(podName);
  const log = kubelet.logOf(pod.metadata.uid, container);
  if (!log) throw waitingToStart(pod, container);
  response.writeHead(200, { 'Cache-Control': 'no-cache, private', 'Content-Type': 'text/plain' });
  response.flushHeaders();
  const isFollow = isTrue(query.get('follow'));
  await stream(request, log, options, { isFollow, faults });
}

function checkAccept(request: ApiRequest): void {
  const accept = request.raw.headers.accept ?? '*/*';
  if (/\*\/\*|text\/plain|json|text\/\*/.test(accept)) return;
  throw failure({
    code: 406,
    reason: 'NotAcceptable',
    message:
      '406: Not Acceptable\n\nAvailable representations: text/plain, application/json, application/yaml, application/vnd.kubernetes.protobuf',
    details: {},
  });
}

/** An existing Pod, just after a restart of its kubelet: `details.kind` is `pods/log`. */
function logNotFound(podName: string): Error {
  return failure({
    code: 404,
    reason: 'NotFound',
    message: `the server could not find the requested resource ( pods/log ${podName})`,
    details: { name: podName, kind: 'pods/log' },
  });
}

function waitingToStart(pod: Pod, container: string): Error {
  const status: ContainerStatus | undefined = [
    ...(pod.status.initContainerStatuses ?? []),
    ...(pod.status.containerStatuses ?? []),
  ].find((each) => each.name === container);
  const reason = status?.state.waiting?.reason ?? 'ContainerCreating';
  const text = /^(ErrImagePull|ImagePullBackOff)$/.test(reason) ? 'trying and failing to pull image' : reason;
  return badRequest(`container "${container}" in pod "${pod.metadata.name}" is waiting to start: ${text}`);
}

function chosenContainer(pod: Pod, asked: string | null): string {
  const names = [...(pod.spec.initContainers ?? []), ...pod.spec.containers].map((container) => container.name);
  if (asked) {
    if (names.includes(asked)) return asked;
    throw badRequest(`container ${asked} is not valid for pod ${pod.metadata.name}`);
  }
  const [only, ...others] = pod.spec.containers;
  if (only && others.length === 0) return only.name;
  const choices = pod.spec.containers.map((container) => container.name).join(' ');
  throw badRequest(`a container name must be specified for pod ${pod.metadata.name}, choose one of: [${choices}]`);
}

/** `banana` means true: anything but `false` and `0`. */
function isTrue(text: string | null): boolean {
  return text !== null && text !== 'false' && text !== '0';
}

function parseOptions(query: URLSearchParams, podName: string): LogReadOptions {
  const refuse = (field: string, message: string, reason: 'FieldValueInvalid' | 'FieldValueForbidden'): never => {
    throw invalid({ kind: 'PodLogOptions', name: podName }, [{ reason, message, field }]);
  };
  const number = (field: string): number | undefined => {
    const text = query.get(field);
    if (text === null || text === '') return undefined;
    if (!/^-?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing "${text}": invalid syntax`);
    return Number(text);
  };
  const [tailLines, sinceSeconds, limitBytes] = [number('tailLines'), number('sinceSeconds'), number('limitBytes')];
  const sinceTime = query.get('sinceTime');
  if (sinceTime !== null && Number.isNaN(Date.parse(sinceTime))) {
    throw badRequest(`parsing time "${sinceTime}" as "2006-01-02T15:04:05Z07:00": cannot parse "${sinceTime}" as "2006"`);
  }
  if (query.has('stream')) refuse('stream', 'Forbidden: may not be specified', 'FieldValueForbidden');
  if (tailLines !== undefined && tailLines < 0) {
    refuse('tailLines', `Invalid value: ${tailLines}: must be greater than or equal to 0`, 'FieldValueInvalid');
  }
  if (limitBytes !== undefined && limitBytes < 1) {
    refuse('limitBytes', `Invalid value: ${limitBytes}: must be greater than 0`, 'FieldValueInvalid');
  }
  if (sinceSeconds !== undefined && sinceTime !== null) {
    refuse('[]', 'Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified', 'FieldValueForbidden');
  }
  if (sinceSeconds !== undefined && sinceSeconds < 1) {
    refuse('sinceSeconds', `Invalid value: ${sinceSeconds}: must be greater than 0`, 'FieldValueInvalid');
  }
  const since = sinceTime !== null ? wholeSeconds(sinceTime) : sinceSeconds === undefined ? undefined : nowLess(sinceSeconds);
  return {
    timestamps: isTrue(query.get('timestamps')),
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
    ...(since === undefined ? {} : { sinceNs: since }),
  };
}

/** `sinceTime` is cut to whole seconds. */
function wholeSeconds(time: string): bigint {
  return BigInt(Math.floor(Date.parse(time) / 1000)) * 1_000_000_000n;
}

function nowLess(seconds: number): bigint {
  return BigInt(Date.now() - seconds * 1000) * 1_000_000n;
}

async function stream(
  request: ApiRequest,
  log: CriLog,
  options: LogReadOptions,
  how: { isFollow: boolean; faults: LogFaults },
): Promise<void> {
  const { response, kubelet, cluster } = request;
  const reader = createCriReader(log, options);
  let isOver = false;
  let sentBytes = 0;
  let wake: () => void = () => {};
  const finish = (): void => {
    isOver = true;
    wake();
  };
  const cleanUps = [log.onChange(() => wake()), kubelet.onRestart(finish)];
  const limit = how.isFollow ? setTimeout(finish, how.faults.followLimitMs) : undefined;
  response.on('close', finish);
  response.on('drain', () => wake());
  const woken = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
    });
  try {
    while (!isOver && !reader.isExhausted) {
      const failing = how.faults.inBandError;
      if (how.isFollow && failing && failing.times > 0 && sentBytes >= failing.afterBytes) {
        failing.times -= 1;
        response.write(failing.text);
        break;
      }
      const piece = reader.next();
      if (piece !== null) {
        sentBytes += piece.length;
        // A reader that stalls is waited for, and meanwhile the files rotate away under it (test/golden/07e).
        if (!response.write(piece)) await woken();
        continue;
      }
      if (!how.isFollow) break;
      if (log.isEnded) {
        await cluster.delay(cluster.pace.followEndAfterExit);
        break;
      }
      await woken();
    }
  } finally {
    clearTimeout(limit);
    reader.close();
    for (const cleanUp of cleanUps) cleanUp();
    response.end();
  }
}
