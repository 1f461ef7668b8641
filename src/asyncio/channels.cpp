// SPDX-License-Identifier: MIT
// The line of channels, and the poller's side of them.
#include "asyncio/channels.h"

#include "asyncio/base_events.h"
#include "asyncio/protocols.h"

#include <bit>

namespace asyncio::detail {

Channels::Channels(EventLoop& loop) noexcept
    : Hop([](Hop* hop) { static_cast<Channels*>(hop)->run_line(); }), loop_(loop) {}

Channels& Channels::of(EventLoop& loop) {
    std::unique_ptr<Channels>& channels = loop.parts().channels;
    if (channels == nullptr) channels = std::make_unique<Channels>(loop);
    return *channels;
}

void Channels::open(Channel& channel, std::uint32_t interest) {
    const auto index = static_cast<std::size_t>(channel.fd);
    if (index >= by_fd_.size()) by_fd_.resize(index + 1);
    loop_.parts().backend->watch(channel.fd, 0, interest, tag(channel));
    channel.interest = interest;
    channel.registered = true;
    by_fd_[index] = &channel;
    ++count_;
    loop_.polls_changed();
}

void Channels::change(Channel& channel, std::uint32_t interest) {
    if (interest != channel.interest) rearm(channel, interest);
}

void Channels::rearm(Channel& channel, std::uint32_t interest) {
    loop_.parts().backend->watch(channel.fd, channel.interest, interest, tag(channel));
    channel.interest = interest;
}

void Channels::close(Channel& channel) noexcept {
    if (!channel.registered) return;
    // Taken out before it is closed: a copy of the descriptor would keep the registration alive.
    if (channel.interest != 0) {
        try {
            loop_.parts().backend->watch(channel.fd, channel.interest, 0, tag(channel));
        } catch (...) { // the poller has forgotten it already
        }
    }
    by_fd_[static_cast<std::size_t>(channel.fd)] = nullptr;
    --count_;
    channel.interest = 0;
    channel.registered = false;
    loop_.polls_changed();
}

void Channels::close_all() noexcept {
    while (first_ != nullptr) {
        Channel* channel = pop();
        if (channel->fd < 0) channel->ops->on_io(*channel, 0); // it waited for this to be freed
    }
    for (std::size_t fd = 0; fd < by_fd_.size(); ++fd) {
        if (Channel* channel = by_fd_[fd]) channel->ops->at_close(*channel); // calls close()
    }
    disposed_.clear();
}

void Channels::happened(Channel& channel, std::uint32_t events) noexcept {
    channel.seen |= events;
    if (channel.queued) return;
    channel.queued = true;
    channel.behind = nullptr;
    (last_ != nullptr ? last_->behind : first_) = &channel;
    last_ = &channel;
    if (pumping_) return;
    pumping_ = true;
    queue_hop(loop_.core(), this);
}

Channel* Channels::pop() noexcept {
    Channel* channel = first_;
    first_ = channel->behind;
    if (first_ == nullptr) last_ = nullptr;
    channel->queued = false;
    return channel;
}

// Those that stood in the line when it began; a channel that has more to do joins it anew, at the
// end, and waits for the next turn.
void Channels::run_line() {
    struct Leave { // also by an interrupt
        Channels& channels;
        ~Leave() {
            channels.disposed_.clear();
            channels.pumping_ = channels.first_ != nullptr;
            if (channels.pumping_) queue_hop(channels.loop_.core(), &channels);
        }
    } leave{*this};
    budget_ = turn_bytes_max;
    const Channel* const end = last_;
    for (bool more = true; more && first_ != nullptr;) {
        Channel* channel = pop();
        more = channel != end;
        channel->ops->on_io(*channel, std::exchange(channel->seen, 0));
        more = more && budget_ > 0;
    }
}

std::span<char> Channels::read_buffer() {
    if (!buffer_) buffer_ = base::Chunk(read_buffer_bytes);
    return {buffer_.data(), buffer_.size()};
}

base::Chunk Channels::take_read_buffer(base::Chunk other) noexcept {
    return std::exchange(buffer_, std::move(other));
}

void Channels::dispose_later(std::shared_ptr<BaseProtocol> protocol) {
    disposed_.push_back(std::move(protocol));
    if (pumping_) return; // soon
    pumping_ = true;
    queue_hop(loop_.core(), this);
}

} // namespace asyncio::detail
