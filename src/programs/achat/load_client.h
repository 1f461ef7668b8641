// SPDX-License-Identifier: MIT
// LoadClient: one of the thousand, as a protocol: it checks each line that it hears.
#pragma once

#include "programs/achat/ledger.h"

#include "asyncio/asyncio.h"

#include <functional>
#include <string>
#include <string_view>

namespace achat {

/// What clients tell the load, each of itself.
class LoadEvents {
public:
    virtual void is_in_room() = 0;
    virtual void heard_message() = 0;
    virtual void heard_goodbye() = 0;
    virtual void heard_complaint(std::string_view line) = 0;
    virtual void is_gone() = 0;

protected:
    ~LoadEvents() = default;
};

/// Takes a name, joins its room, says what it is told to say; keeps the ledger of what it hears.
///
/// Lifetime  ledger and events must outlive its connection, or abandon() be called before they go.
class LoadClient final : public asyncio::Protocol {
public:
    LoadClient(std::size_t number, Ledger& ledger, LoadEvents& events)
        : number_(number), ledger_(ledger), events_(&events) {}

    void connection_made(asyncio::Transport& transport) override;
    void data_received(std::string_view data) override;
    void connection_lost(std::exception_ptr error) override;

    /// Says the next message.
    /// due_ns    when it was to do so
    void say(std::int64_t due_ns);
    /// Aborts the connection, and tells nobody.
    void abandon() noexcept;

private:
    void hear_line(std::string_view line);
    void hear_message(std::string_view line);

    std::size_t number_;
    Ledger& ledger_;
    LoadEvents* events_; // null: abandoned
    asyncio::Transport* transport_ = nullptr; // null: no connection
    std::string rest_;                        // of a line whose end has not come
};

} // namespace achat
