"""What a person does with Mastodon.py: python3 python_client.py <address> <picture>. Each line of input is a code or a go-ahead."""

import sys

from mastodon import Mastodon, MastodonNotFoundError

address, picture = sys.argv[1:]


def ask(question):
    print(question, flush=True)
    return sys.stdin.readline().strip()


scopes = ["read", "write", "follow"]
client_id, client_secret = Mastodon.create_app("Python", scopes=scopes, api_base_url=address)
api = Mastodon(client_id=client_id, client_secret=client_secret, api_base_url=address)
code = ask("authorize " + api.auth_request_url(scopes=scopes))
api.log_in(code=code, scopes=scopes)

me = api.account_verify_credentials()
changed = api.account_update_credentials(note="Written in Python", avatar=picture, bot=False)
assert changed.source.note == "Written in Python", changed.source
assert changed.avatar != me.avatar

media = api.media_post(picture, description="A meadow")
media = api.media_update(media, description="A green meadow")
post = api.status_post("Posted by Python", media_ids=[media], sensitive=False)
assert post.media_attachments[0].description == "A green meadow", post
reply = api.status_reply(post, "Replied by Python", untag=True)
assert reply.in_reply_to_id == post.id, reply
assert [one.id for one in api.status_context(post).descendants] == [reply.id]

other = api.search_v2(ask("other"), result_type="accounts").accounts[0]
assert api.account_follow(other).following
ask("followed")
theirs = api.timeline_home(limit=40)
theirs = next(one for one in theirs if one.account.id == other.id)
assert api.status_favourite(theirs).favourited
assert api.status_reblog(theirs).reblog.reblogged
assert api.status_bookmark(theirs).bookmarked
assert api.favourites()[0].id == api.bookmarks()[0].id == theirs.id
assert not api.status_unbookmark(theirs).bookmarked
pages = api.fetch_remaining(api.account_statuses(me, limit=1, exclude_reblogs=True))
assert [one.id for one in pages] == [reply.id, post.id], pages

ask("answered")
mention = next(one for one in api.notifications() if one.type == "mention")
assert mention.account.id == other.id, mention

assert api.status_delete(post).text == "Posted by Python"
try:
    api.status(post)
    sys.exit("the deleted post is still there")
except MastodonNotFoundError:
    print("done")
