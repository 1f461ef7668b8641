// SPDX-License-Identifier: MIT
// From bytes to lines, and from lines to the ledger.
#include "programs/achat/load_client.h"

#include <charconv>

namespace achat {

namespace {

// As much as people write in a chat.
constexpr std::string_view filler = " the quick brown fox jumps over the lazy dog";

std::int64_t now_ns() {
    return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

// Takes a number off the front.
bool take_number(std::string_view& text, std::uint32_t& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc()) return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return true;
}

bool take(std::string_view& text, std::string_view what) {
    if (!text.starts_with(what)) return false;
    text.remove_prefix(what.size());
    return true;
}

} // namespace

void LoadClient::connection_made(asyncio::Transport& transport) {
    transport_ = &transport;
    transport.write("/nick load-" + std::to_string(number_) + "\n/join room-" +
                    std::to_string(ledger_.room_of(number_)) + "\n");
}

void LoadClient::data_received(std::string_view data) {
    for (;;) {
        const std::size_t end = data.find('\n');
        if (end == std::string_view::npos) break;
        if (rest_.empty()) {
            hear_line(data.substr(0, end));
        } else {
            hear_line(rest_.append(data.substr(0, end)));
            rest_.clear();
        }
        data.remove_prefix(end + 1);
    }
    rest_.append(data);
}

void LoadClient::connection_lost(std::exception_ptr) {
    transport_ = nullptr;
    if (events_ != nullptr) events_->is_gone();
}

void LoadClient::hear_line(std::string_view line) {
    if (line.starts_with('<')) return hear_message(line);
    if (line.starts_with("* you are in room-")) return events_->is_in_room();
    if (line.starts_with("* goodbye")) return events_->heard_goodbye();
    if (line.starts_with('!')) events_->heard_complaint(line);
}

// "<load-17> 42 the quick ...": the 43rd message of client 17.
void LoadClient::hear_message(std::string_view line) {
    std::uint32_t sender = 0;
    std::uint32_t number = 0;
    if (take(line, "<load-") && take_number(line, sender) && take(line, "> ") &&
        take_number(line, number) && line == filler) {
        ledger_.received(number_, sender, number, now_ns());
    } else {
        ledger_.received_nonsense();
    }
    events_->heard_message();
}

void LoadClient::say(std::int64_t due_ns) {
    if (transport_ == nullptr) return;
    transport_->write(std::to_string(ledger_.sent(number_, due_ns)).append(filler) += '\n');
}

void LoadClient::abandon() noexcept {
    events_ = nullptr;
    if (transport_ != nullptr) transport_->abort();
}

} // namespace achat
