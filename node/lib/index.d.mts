// The types of the package `dmagent` for ES modules.
export * from './index.js';
