import Module, { register } from 'node:module';

/** Makes a process find none of the packages that spans need, as if they had not been installed. prom-client brings the API. */
const LEFT_OUT = /^(?:@temporalio\/interceptors-opentelemetry|@opentelemetry\/(?!api(?:$|\/)))/;

const resolveFilename = Module._resolveFilename;
Module._resolveFilename = function (request, ...rest) {
  if (LEFT_OUT.test(request))
    throw Object.assign(new Error(`Cannot find module '${request}'`), { code: 'MODULE_NOT_FOUND' });
  return resolveFilename.call(this, request, ...rest);
};

const hook = `export function resolve(specifier, context, next) {
  if (${LEFT_OUT}.test(specifier))
    throw Object.assign(new Error('Cannot find package ' + specifier), { code: 'ERR_MODULE_NOT_FOUND' });
  return next(specifier, context);
}`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
