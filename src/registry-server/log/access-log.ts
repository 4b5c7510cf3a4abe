import type { ServedRequest } from '../http/app.ts';
import type { LogFields } from './logger.ts';

/** The fields of a line on a request, by the names that registry:2 gives them. */
export function accessFields(served: ServedRequest): LogFields {
  const { request, protocol, status, contentType, sent, time, failure } = served;
  return {
    'http.request.id': request.id,
    'http.request.method': request.method,
    'http.request.host': request.origin?.replace(/^https?:\/\//, ''),
    'http.request.uri': request.url,
    'http.request.referer': request.header('referer'),
    'http.request.remoteaddr': request.remote,
    'http.request.useragent': request.header('user-agent'),
    'http.request.protocol': protocol,
    'http.response.contenttype': contentType,
    'http.response.duration': `${Math.round(time * 1000) / 1000}ms`,
    'http.response.status': status,
    'http.response.written': sent,
    'err.message': failure,
  };
}
