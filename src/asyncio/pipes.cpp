// SPDX-License-Identifier: MIT
// The transport of each way of a pipe.
#include "asyncio/pipes.h"

#include "asyncio/made_transports.h"
#include "asyncio/pipe_transports.h"

namespace asyncio::detail {

namespace {

template <class T>
struct MakePipeTransport {
    std::shared_ptr<os::Descriptor> pipe; // shared, so that this can be copied
    ChannelTransport* operator()(EventLoop& loop,
                                 const std::shared_ptr<BaseProtocol>& protocol) const {
        auto* transport = new T(loop, std::move(*pipe), protocol);
        transport->start();
        return transport;
    }
};

template <class T>
Coro<Connected<BaseProtocol>> connect_pipe(EventLoop* loop, ProtocolFactory factory,
                                           os::Descriptor pipe) {
    MakePipeTransport<T> make;
    make.pipe = std::make_shared<os::Descriptor>(std::move(pipe));
    return made_transport(loop, std::move(factory), std::move(make));
}

} // namespace

Coro<Connected<BaseProtocol>> connect_read_pipe(EventLoop* loop, ProtocolFactory factory,
                                                os::Descriptor pipe) {
    return connect_pipe<ReadPipeTransport>(loop, std::move(factory), std::move(pipe));
}

Coro<Connected<BaseProtocol>> connect_write_pipe(EventLoop* loop, ProtocolFactory factory,
                                                 os::Descriptor pipe) {
    return connect_pipe<WritePipeTransport>(loop, std::move(factory), std::move(pipe));
}

} // namespace asyncio::detail
