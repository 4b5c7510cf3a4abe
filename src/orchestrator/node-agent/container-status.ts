import type {
  Container,
  ContainerState,
  ContainerStateTerminated,
  ContainerStateWaiting,
  ContainerStatus,
} from '../../api/pod.ts';
import { timestampOf } from '../../api/timestamp.ts';
import { containerURI } from './container-uri.ts';
import { restartCountOf } from './pod-labels.ts';
import type { RuntimeContainer } from './pod-runtime.ts';

function wholeSeconds(time: string | undefined): string | undefined {
  const milliseconds = Date.parse(time ?? '');
  return Number.isNaN(milliseconds) ? undefined : timestampOf(milliseconds);
}

function reasonOf(container: RuntimeContainer): string {
  if (container.oomKilled === true) return 'OOMKilled';
  if (container.error !== undefined) return 'StartError';
  return container.exitCode === 0 ? 'Completed' : 'Error';
}

/** How a container has ended; `said` is its termination message. */
function terminatedState(container: RuntimeContainer, said = ''): ContainerStateTerminated {
  if (container.lost !== undefined) return container.lost;
  const exitCode = container.exitCode ?? 0;
  const message = container.error ?? said;
  const startedAt = wholeSeconds(container.startedAt);
  const finishedAt = wholeSeconds(container.finishedAt);
  return {
    containerID: containerURI(container.id),
    exitCode,
    ...(message === '' ? {} : { message }),
    reason: reasonOf(container),
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(finishedAt === undefined ? {} : { finishedAt }),
  };
}

export interface StatusInput {
  /** Newest first. */
  readonly attempts: readonly RuntimeContainer[];
  /** Why the next start has to wait. */
  readonly waiting: ContainerStateWaiting | undefined;
  /** Shown where the container has never been made. */
  readonly initially: ContainerStateWaiting;
  /** As the API has it: knows the past that the runtime has lost. */
  readonly before: ContainerStatus | undefined;
  /** What ended containers have said, by id. */
  readonly messages: ReadonlyMap<string, string>;
}

interface OwnAttempts {
  readonly latest: RuntimeContainer | undefined;
  readonly previous: RuntimeContainer | undefined;
}

function lastStateOf({ before, messages }: StatusInput, own: OwnAttempts): ContainerState {
  const { latest, previous } = own;
  if (previous?.state === 'exited')
    return { terminated: terminatedState(previous, messages.get(previous.id)) };
  if (before === undefined) return {};
  const isSame = latest !== undefined && before.containerID === containerURI(latest.id);
  // What the API shows as the latest one may be the one before this.
  const ended = isSame ? undefined : before.state.terminated;
  return ended === undefined ? before.lastState : { terminated: ended };
}

/** The status of a container of a pod (core/v1 ContainerStatus). */
export function containerStatus(container: Container, input: StatusInput): ContainerStatus {
  const [latest, previous] = input.attempts;
  const lastState = () => lastStateOf(input, { latest, previous });
  const { waiting, before } = input;
  const common = {
    name: container.name,
    image: latest?.image ?? container.image,
    imageID: latest?.imageID ?? '',
  };
  if (latest === undefined || latest.state === 'created') {
    return {
      ...common,
      imageID: before?.imageID ?? '',
      ready: false,
      started: false,
      restartCount: before?.restartCount ?? 0,
      state: { waiting: waiting ?? input.initially },
      lastState: lastState(),
    };
  }
  const restartCount = restartCountOf(latest);
  const containerID = containerURI(latest.id);
  if (latest.state === 'running') {
    const startedAt = wholeSeconds(latest.startedAt) ?? wholeSeconds(latest.createdAt) ?? '';
    const state = { running: { startedAt } };
    return {
      ...common,
      containerID,
      ready: true,
      started: true,
      restartCount,
      state,
      lastState: lastState(),
    };
  }
  const terminated = terminatedState(latest, input.messages.get(latest.id));
  const state: ContainerState = waiting === undefined ? { terminated } : { waiting };
  return {
    ...common,
    containerID,
    ready: false,
    started: false,
    restartCount,
    state,
    lastState: waiting === undefined ? lastState() : { terminated },
  };
}
