import { parentPort } from 'node:worker_threads';
import { isHawserError, messageOf } from '../../errors/hawser-error.ts';
import type { DiffReply, DiffRequest } from '../diff-worker.ts';
import { writeLayer } from '../diff-writer.ts';

function answer({ changes, path, options }: DiffRequest): DiffReply {
  try {
    return { layer: writeLayer(changes, path, options) };
  } catch (error) {
    const remedy = isHawserError(error) && error.remedy !== undefined ? { remedy: error.remedy } : {};
    const code = isHawserError(error) ? error.code : 'INTERNAL';
    return { failure: { code, message: messageOf(error), ...remedy } };
  }
}

parentPort?.on('message', (request: DiffRequest) => parentPort?.postMessage(answer(request), []));
