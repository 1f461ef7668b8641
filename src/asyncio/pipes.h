// SPDX-License-Identifier: MIT
// connect_read_pipe, connect_write_pipe: from a descriptor to a transport and its protocol.
#pragma once

#include "asyncio/connections.h"
#include "asyncio/events.h"
#include "os/descriptor.h"

namespace asyncio {

using os::Descriptor;

namespace detail {

Coro<Connected<BaseProtocol>> connect_read_pipe(EventLoop* loop, ProtocolFactory factory,
                                                os::Descriptor pipe);
Coro<Connected<BaseProtocol>> connect_write_pipe(EventLoop* loop, ProtocolFactory factory,
                                                 os::Descriptor pipe);

} // namespace detail

/// Receives from a pipe, a fifo, a socket or a terminal, which is taken over.
///
///     const asyncio::StreamReader reader;
///     const auto protocol = std::make_shared<asyncio::StreamReaderProtocol>(reader);
///     auto factory = [protocol] { return protocol; };
///     co_await loop.connect_read_pipe(factory, asyncio::Descriptor(::dup(STDIN_FILENO)));
///     while (auto line = co_await reader.next_line()) use(*line);
///
/// At the end eof_received() is called, then connection_lost(null). A read that fails is reported,
/// but for a terminal whose other end is gone (EIO).
///
/// pipe      does not block from now on, for all who share the open file.
/// Returns   transport and protocol; the transport's writing half throws NotImplementedError.
/// Throws    ValueError: another kind of file. OSError: not open. What the factory throws.
/// Cancel    the descriptor is closed.
/// Source    CPython 3.14 loop.connect_read_pipe.
template <class F>
auto EventLoop::connect_read_pipe(F&& factory, os::Descriptor pipe) {
    static_assert(detail::MakesProtocol<std::decay_t<F>>,
                  "the factory is called as factory() and gives a std::shared_ptr to a protocol");
    return detail::with_protocol<detail::protocol_of_t<F>>(detail::connect_read_pipe(
        this, detail::ProtocolFactory(std::forward<F>(factory)), std::move(pipe)));
}

/// Sends into a pipe, a fifo, a socket or a terminal, which is taken over.
///
/// When nobody is left to receive, connection_lost() is called: with null, or with a
/// BrokenPipeError if something was unsent. No SIGPIPE is raised. write_eof() is close().
///
/// pipe      does not block from now on, for all who share the open file.
/// Returns   transport and protocol; the transport's reading half throws NotImplementedError.
/// Throws    ValueError: another kind of file. OSError: not open. What the factory throws.
/// Cancel    the descriptor is closed.
/// Cost      a write is three system calls, for the sake of SIGPIPE.
/// Source    CPython 3.14 loop.connect_write_pipe.
template <class F>
auto EventLoop::connect_write_pipe(F&& factory, os::Descriptor pipe) {
    static_assert(detail::MakesProtocol<std::decay_t<F>>,
                  "the factory is called as factory() and gives a std::shared_ptr to a protocol");
    return detail::with_protocol<detail::protocol_of_t<F>>(detail::connect_write_pipe(
        this, detail::ProtocolFactory(std::forward<F>(factory)), std::move(pipe)));
}

} // namespace asyncio
