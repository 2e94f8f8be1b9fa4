import { Body, Controller, HttpCode, Post, Res, UseGuards } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { Response } from 'express';
import { KnownHostGuard } from '../known-host.guard.js';
import { type FilmBody, filmBody } from './edge.schema.js';
import { sendFilm } from './film.sender.js';
import { PretendEdgeService } from './pretend-edge.service.js';

/** Where the page's players get their films. */
@ApiExcludeController()
@Controller('dev/edge')
@UseGuards(KnownHostGuard)
export class EdgeController {
  constructor(private readonly edge: PretendEdgeService) {}

  /** Sends a film for as long as the stream may run and the viewer stays: see sendFilm. */
  @Post('film')
  @HttpCode(200)
  async film(@Body({ schema: filmBody }) body: FilmBody, @Res() response: Response): Promise<void> {
    const stream = await this.edge.start(body);
    await sendFilm(response, stream, () => this.edge.readSlot(stream));
  }
}
