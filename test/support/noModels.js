// Preloaded into a process that must call no model: neither a server nor the runtime that a student runs on.
const { Module } = require('node:module');
const net = require('node:net');

net.Socket.prototype.connect = () => {
  throw new Error('noModels: a connection was asked for');
};
const load = Module.prototype.require;
Module.prototype.require = function (name) {
  if (name.startsWith('onnxruntime')) throw new Error('noModels: the runtime was asked for');
  return load.call(this, name);
};
