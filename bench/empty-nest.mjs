/* An empty Nest route on Express: the least that an HTTP answer costs in this framework. */
import 'reflect-metadata';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

class EmptyController {
  answer() {
    return {};
  }
}
Controller('empty')(EmptyController);
const descriptor = Object.getOwnPropertyDescriptor(EmptyController.prototype, 'answer');
Get()(EmptyController.prototype, 'answer', descriptor);

class EmptyModule {}
Module({ controllers: [EmptyController] })(EmptyModule);

const app = await NestFactory.create(EmptyModule, { logger: false });
await app.listen(Number(process.env.PORT), '127.0.0.1');
process.stdout.write('ready\n');
process.on('SIGTERM', () => process.exit(0));
