#!/usr/bin/env node
// Starts the program. npm has put the package of this platform beside this one.
'use strict';

const windows = process.platform === 'win32';
const platform = `${process.platform}-${process.arch}`;
const program = find();
if (program) start(program, process.argv.slice(2));

function find() {
    const name = `workstream-mcp-${platform}`;
    try {
        return require.resolve(`${name}/bin/work${windows ? '.exe' : ''}`);
    } catch {
        const { optionalDependencies } = require('./package.json');
        fail(
            name in optionalDependencies
                ? `the package ${name} is missing. Delete node_modules if it comes from another system, and install ` +
                      'workstream-mcp again, with optional dependencies (without --omit=optional).'
                : `there is no program for ${platform}. With Rust you can build one: cargo install workstream-mcp`,
        );
    }
}

function start(program, args) {
    // Where Node.js can, it becomes the program: one process, and no signal to pass on. It would abort where it cannot, so
    // ask first whether the file can be run. Its warning that this is experimental would come later, and so never comes.
    if (!windows && process.execve && canRun(program)) process.execve(program, ['work', ...args], process.env);

    const child = require('node:child_process').spawn(program, args, { stdio: 'inherit' });
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];
    // On Windows the console tells the program itself, and to pass on a signal would end it at once.
    for (const signal of signals) process.on(signal, () => windows || child.kill(signal));
    child.on('error', (error) => fail(`${program} cannot be started: ${error.message}`));
    child.on('exit', (code, signal) => {
        if (!signal) process.exit(code);
        // Dies as the program did.
        process.removeAllListeners(signal);
        process.kill(process.pid, signal);
        // Node.js ignores some signals.
        process.exit(128 + require('node:os').constants.signals[signal]);
    });
}

function canRun(program) {
    const { accessSync, constants } = require('node:fs');
    try {
        accessSync(program, constants.X_OK);
        return true;
    } catch {
        return false;
    }
}

function fail(message) {
    console.error(`workstream-mcp: ${message}`);
    // As `work` does where the machine is at fault.
    process.exitCode = 6;
}
