import { DiscoveryService } from '@nestjs/core';

/**
 * Marks a provider that implements DeviceCommand as the handler of one frame that devices send, by the name of the Socket.IO event.
 * The gateway for devices finds all of them (live/socketio/device.gateway.ts).
 */
export const HandlesDeviceCommand = DiscoveryService.createDecorator<string>();
