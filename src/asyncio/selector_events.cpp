// SPDX-License-Identifier: MIT
// epoll behind the loop's seam, and the descriptors that a loop watches.
#include "asyncio/selector_events.h"

#include "asyncio/base_events.h"
#include "asyncio/exceptions.h"
#include "os/clock.h"

#include <algorithm>
#include <cerrno>

namespace asyncio {

namespace {

// Deadlines are exact; sleeping is not. Waiting up to this much longer lets timers that are close
// together share one system call. CPython's epoll loop rounds up to a whole millisecond.
constexpr std::int64_t coalesce_ns = 100'000;

std::int64_t rounded_up(std::int64_t timeout_ns) noexcept {
    if (timeout_ns <= 0) return timeout_ns;
    return (timeout_ns + coalesce_ns - 1) / coalesce_ns * coalesce_ns;
}

} // namespace

EpollBackend::EpollBackend() {
    epoll_.add(wakeup_.fd(), os::Epoll::readable | os::Epoll::edge, wakeup_tag);
}

std::int64_t EpollBackend::now_ns() noexcept { return os::monotonic_ns(); }

void EpollBackend::watch(int fd, std::uint32_t before, std::uint32_t events, std::uint64_t tag) {
    if (events == 0) return epoll_.remove(fd);
    if (before != 0) {
        try {
            return epoll_.modify(fd, events, tag);
        } catch (const FileNotFoundError&) {
            // Closed behind our back, and the number belongs to a new file.
        }
    }
    try {
        epoll_.add(fd, events, tag);
    } catch (const FileExistsError&) {
        epoll_.modify(fd, events, tag);
    }
}

std::span<const os::ReadyEvent> EpollBackend::poll(std::int64_t timeout_ns, bool) {
    const auto ready = epoll_.wait(events_, rounded_up(timeout_ns));
    const auto end = std::remove_if(ready.begin(), ready.end(), [](const os::ReadyEvent& event) {
        return event.tag == wakeup_tag;
    });
    woken_ = end != ready.end();
    return ready.first(static_cast<std::size_t>(end - ready.begin()));
}

void EpollBackend::rebuild(std::span<const Known> known) {
    os::Epoll fresh;
    fresh.add(wakeup_.fd(), os::Epoll::readable | os::Epoll::edge, wakeup_tag);
    for (const Known& watched : known) {
        try {
            fresh.add(watched.fd, watched.events, watched.tag);
        } catch (const OSError&) {
            // Closed in the meantime as well: nothing to watch.
        }
    }
    std::swap(epoll_, fresh);
}

std::unique_ptr<Backend> make_epoll_backend() { return std::make_unique<EpollBackend>(); }

// ---- descriptors --------------------------------------------------------------------------------

void EventLoop::set_watch(int fd, bool write, detail::CallbackNode* node) {
    node->set(detail::CallbackNode::repeats);
    if (debug) detail::note_origin(node, {});
    struct Release { // until it is registered
        detail::CallbackNode* node;
        ~Release() {
            if (node != nullptr) detail::release(node);
        }
    } owned{node};
    if (fd < 0) throw ValueError("Invalid file descriptor: " + std::to_string(fd));
    if (parts_->channels != nullptr && parts_->channels->owner_of(fd) != nullptr) {
        throw RuntimeError("File descriptor " + std::to_string(fd) + " is used by a transport");
    }
    detail::Watch& watch = parts_->watches[fd];
    const std::uint32_t before = watch.interest();
    const std::uint32_t wanted = before | (write ? Backend::writable : Backend::readable);
    const std::uint32_t generation = parts_->next_generation++;
    try {
        backend_->watch(fd, before, wanted, detail::Watch::tag(fd, generation));
        watch.generation = generation;
    } catch (...) {
        if (before == 0) parts_->watches.erase(fd);
        throw;
    }
    detail::CallbackNode*& slot = write ? watch.writer : watch.reader;
    std::swap(slot, owned.node);
    if (owned.node != nullptr) owned.node->set(detail::CallbackNode::cancelled);
    set_turn(polls);
}

void EventLoop::polls_changed() noexcept {
    set_turn(polls, !parts_->watches.empty() ||
                        (parts_->channels != nullptr && !parts_->channels->empty()));
}

detail::CallbackNode* EventLoop::clear_watch(int fd, bool write) noexcept {
    const auto found = parts_->watches.find(fd);
    if (found == parts_->watches.end()) return nullptr;
    detail::Watch& watch = found->second;
    const std::uint32_t before = watch.interest();
    detail::CallbackNode* node = std::exchange(write ? watch.writer : watch.reader, nullptr);
    if (node == nullptr) return nullptr;
    const std::uint32_t generation = parts_->next_generation++;
    try {
        backend_->watch(fd, before, watch.interest(), detail::Watch::tag(fd, generation));
        watch.generation = generation;
    } catch (...) {
        // The descriptor is gone already: nothing is watched any more.
    }
    if (watch.interest() == 0) parts_->watches.erase(found);
    polls_changed();
    return node;
}

bool EventLoop::remove_reader(int fd) noexcept {
    if (closed) return false;
    detail::CallbackNode* node = clear_watch(fd, false);
    if (node == nullptr) return false;
    node->set(detail::CallbackNode::cancelled);
    detail::release(node);
    return true;
}

bool EventLoop::remove_writer(int fd) noexcept {
    if (closed) return false;
    detail::CallbackNode* node = clear_watch(fd, true);
    if (node == nullptr) return false;
    node->set(detail::CallbackNode::cancelled);
    detail::release(node);
    return true;
}

void EventLoop::handle_event(const os::ReadyEvent& event) {
    if (detail::Channels::is_tag(event.tag)) {
        return parts_->channels->happened(detail::Channels::of_tag(event.tag), event.events);
    }
    const int fd = static_cast<int>(event.tag & 0xffffffffU);
    const auto found = parts_->watches.find(fd);
    if (found == parts_->watches.end() ||
        detail::Watch::tag(fd, found->second.generation) != event.tag) {
        // Of a descriptor that was closed while a copy of it lives on: the kernel goes on reporting
        // it, and nobody can take it out. A new poller watches only what is known.
        return rebuild_backend();
    }
    const auto queue = [this](detail::CallbackNode* node) {
        if (node == nullptr || node->has(detail::CallbackNode::queued)) return;
        node->set(detail::CallbackNode::queued);
        detail::add_ref(node);
        detail::queue_callback(*this, node);
    };
    constexpr std::uint32_t broken = os::Epoll::failed | os::Epoll::hung_up;
    if ((event.events & (Backend::readable | broken)) != 0) queue(found->second.reader);
    if ((event.events & (Backend::writable | broken)) != 0) queue(found->second.writer);
}

void EventLoop::rebuild_backend() {
    try {
        std::vector<Backend::Known> known;
        for (const auto& [fd, watch] : parts_->watches) {
            known.push_back({fd, watch.interest(), detail::Watch::tag(fd, watch.generation)});
        }
        if (parts_->channels != nullptr) {
            parts_->channels->for_each([&known](const detail::Channel& channel) {
                if (channel.interest == 0) return;
                known.push_back({channel.fd, channel.interest, detail::Channels::tag(channel)});
            });
        }
        backend_->rebuild(known);
    } catch (const OSError&) {
        // No descriptor is free; then at the next stale event.
    } catch (const std::bad_alloc&) {
        // The same.
    }
}

} // namespace asyncio
