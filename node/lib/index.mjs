// The package `dmagent` as ES modules see it: the objects of `index.cjs`, so both kinds of a program share nodes.
import dmagent from './index.cjs';

export const {
  Node,
  Message,
  Inbox,
  Events,
  AskStream,
  AnswerStream,
  DmError,
  InternalError,
  InvalidInputError,
  ConfigError,
  IdentityError,
  StoreError,
  UnreachableError,
  TimeoutError,
  NotFoundError,
  RefusedError,
  LimitError,
  ClosedError,
  fenced,
  setLog,
  version,
} = dmagent;
