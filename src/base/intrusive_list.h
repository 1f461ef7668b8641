// SPDX-License-Identifier: MIT
// Intrusive circular list: nodes bring their own links, so joining and leaving a line allocates nothing.
#pragma once

namespace asyncio::base {

/// The links of one node. A node stands in at most one list at a time.
struct ListNode {
    ListNode* prev; // of a node in a list
    ListNode* next = nullptr; // null: in no list

    ListNode() noexcept {} // NOLINT(cppcoreguidelines-pro-type-member-init): one store less
    ListNode(ListNode* before, ListNode* behind) noexcept : prev(before), next(behind) {}

    bool linked() const noexcept { return next != nullptr; }
};

/// Stores both links, each on its own: the compiler would join the two into one store of 16 bytes by
/// way of a vector register, and a load of either would have to wait for that.
inline void set_links(ListNode* node, ListNode* prev, ListNode* next) noexcept {
    node->prev = prev;
    asm("" : "+m"(node->prev));
    node->next = next;
}

/// A line of `Node`s, first come first served. Eight bytes: the first node, or null.
///
/// Lifetime  a node must leave before it is destroyed; the list owns nothing.
/// Cost      every operation is O(1).
template <class Node>
class IntrusiveList {
public:
    bool empty() const noexcept { return first_ == nullptr; }
    Node* front() const noexcept { return first_; }

    /// The node behind `node`, or null at the end of the line.
    Node* after(const Node* node) const noexcept {
        Node* next = node_of(node->next);
        return next == first_ ? nullptr : next;
    }

    void push_back(Node* node) noexcept {
        if (first_ == nullptr) {
            set_links(node, node, node);
            first_ = node;
        } else {
            insert_before_first(node);
        }
    }

    void push_front(Node* node) noexcept {
        push_back(node);
        first_ = node;
    }

    void remove(Node* node) noexcept {
        if (node->next == node) {
            first_ = nullptr;
        } else {
            node->prev->next = node->next;
            node->next->prev = node->prev;
            if (first_ == node) first_ = node_of(node->next);
        }
        node->next = nullptr;
    }

    Node* pop_front() noexcept {
        Node* node = first_;
        if (node != nullptr) remove(node);
        return node;
    }

    /// Hands over the whole line; this list is empty afterwards.
    IntrusiveList take() noexcept {
        IntrusiveList all;
        all.first_ = first_;
        first_ = nullptr;
        return all;
    }

private:
    // By reference: a link of a linked node is never null, and need not be tested for it.
    static Node* node_of(ListNode* link) noexcept { return &static_cast<Node&>(*link); }

    void insert_before_first(Node* node) noexcept {
        ListNode* last = first_->prev;
        set_links(node, last, first_);
        last->next = node;
        first_->prev = node;
    }

    Node* first_ = nullptr;
};

} // namespace asyncio::base
