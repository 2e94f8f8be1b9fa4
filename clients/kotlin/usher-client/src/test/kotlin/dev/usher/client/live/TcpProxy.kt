package dev.usher.client.live

import java.io.Closeable
import java.io.IOException
import java.net.InetAddress
import java.net.InetSocketAddress
import java.net.ServerSocket
import java.net.Socket
import java.util.concurrent.ConcurrentHashMap
import kotlin.concurrent.thread

private const val CONNECT_TIMEOUT_MS = 5_000

/** A line to a server on this machine that a test can cut. */
class TcpProxy(private val target: InetSocketAddress) : Closeable {
    private val server = ServerSocket(0, 50, InetAddress.getLoopbackAddress())
    private val sockets: MutableSet<Socket> = ConcurrentHashMap.newKeySet()
    @Volatile private var isUp = true

    val url: String = "http://127.0.0.1:${server.localPort}"

    init {
        thread(isDaemon = true, name = "proxy") { accept() }
    }

    /** Breaks every connection, and every new one until [restore]. */
    fun cut() {
        isUp = false
        sockets.forEach { it.close() }
    }

    fun restore() {
        isUp = true
    }

    override fun close() {
        cut()
        server.close()
    }

    private fun accept() {
        while (!server.isClosed) try {
            val device = server.accept()
            if (isUp) forward(device) else device.close()
        } catch (_: IOException) {
            // The next one, or closed.
        }
    }

    private fun forward(device: Socket) {
        val node = Socket().apply { connect(target, CONNECT_TIMEOUT_MS) }
        sockets += listOf(device, node)
        pump(device, node)
        pump(node, device)
        if (!isUp) cut() // cut meanwhile
    }

    private fun pump(from: Socket, to: Socket) = thread(isDaemon = true, name = "proxy") {
        try {
            from.getInputStream().copyTo(to.getOutputStream(), 8_192)
        } catch (_: IOException) {
            // The line is cut.
        } finally {
            from.close()
            to.close()
            sockets -= setOf(from, to)
        }
    }
}
