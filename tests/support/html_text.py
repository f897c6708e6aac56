"""The text of an HTML document."""

from html.parser import HTMLParser


class Read(HTMLParser):
    """The tags of some HTML, and its text."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text += data
