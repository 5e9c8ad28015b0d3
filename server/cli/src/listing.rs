//! Lists all that is below a prefix, page by page and in order, several folders at once where that helps.
//!
//! It owns how a long listing is divided. It never knows what is done with the keys.

use std::collections::VecDeque;
use std::sync::Arc;

use partway_client::Control;
use partway_shared::transfer::Failure;
use partway_shared::wire::{ListObjects, ListedObject, ListedObjects};
use tokio::sync::mpsc;

/// The folders that are read at once.
const AT_ONCE: usize = 8;
/// The pages of each that wait to be taken.
const WAITING_PAGES: usize = 4;
/// The most folders that a listing is divided into: with more, each may be small, and costs a request of its own.
const MOST_FOLDERS: usize = 64;
/// How deep folders are looked for that stand alone in the one above.
const DEPTH: usize = 8;

/// What is listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listing {
    pub(crate) destination: Option<String>,
    pub(crate) prefix: String,
}

/// The pages of a listing, in order.
pub(crate) struct Pages(mpsc::Receiver<Result<Vec<ListedObject>, Failure>>);

impl Pages {
    /// Returns the next page; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Result<Vec<ListedObject>, Failure>> {
        self.0.recv().await
    }
}

impl Listing {
    /// Begins to list all keys with the prefix. The listing stops when its pages are dropped.
    pub(crate) fn read(self, control: Arc<dyn Control>) -> Pages {
        let (pages, received) = mpsc::channel(WAITING_PAGES);
        tokio::spawn(async move {
            if let Err(failure) = self.walk(&control, &pages).await {
                let _ = pages.send(Err(failure)).await;
            }
        });
        Pages(received)
    }

    /// Returns one page of keys and folders.
    pub(crate) async fn page(
        &self,
        control: &dyn Control,
        delimiter: Option<&str>,
        after: Option<String>,
    ) -> Result<ListedObjects, Failure> {
        let request = ListObjects {
            destination: self.destination.clone(),
            prefix: (!self.prefix.is_empty()).then(|| self.prefix.clone()),
            delimiter: delimiter.map(str::to_owned),
            after,
            limit: None,
        };
        control.list(request).await
    }

    async fn walk(&self, control: &Arc<dyn Control>, pages: &Sender) -> Result<(), Failure> {
        let first = self.page(&**control, None, None).await?;
        let next = first.next.clone();
        if pages.send(Ok(first.objects)).await.is_err() {
            return Ok(());
        }
        // A short listing is not worth another request.
        let Some(next) = next else { return Ok(()) };
        match self.segments(&**control, &next).await? {
            Some(segments) => concatenate(control, segments, pages).await,
            None => self.serially(&**control, Some(next), pages).await,
        }
    }

    /// Lists one page after the other.
    async fn serially(
        &self,
        control: &dyn Control,
        mut after: Option<String>,
        pages: &Sender,
    ) -> Result<(), Failure> {
        loop {
            let page = self.page(control, None, after).await?;
            if pages.send(Ok(page.objects)).await.is_err() || page.next.is_none() {
                return Ok(());
            }
            after = page.next;
        }
    }

    /// Divides what comes after a key; none where that is not worth it.
    async fn segments(
        &self,
        control: &dyn Control,
        after: &str,
    ) -> Result<Option<VecDeque<Segment>>, Failure> {
        let mut level = self.clone();
        for _ in 0..DEPTH {
            let page = level.page(control, Some("/"), None).await?;
            match &page.prefixes[..] {
                _ if page.next.is_some() => return Ok(None),
                [only] if page.objects.is_empty() => level.prefix.clone_from(only),
                folders if (2..=MOST_FOLDERS).contains(&folders.len()) => {
                    return Ok(Some(level.divide(page, after)));
                }
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    fn divide(&self, page: ListedObjects, after: &str) -> VecDeque<Segment> {
        let mut segments = VecDeque::new();
        let mut folders = page.prefixes.into_iter().peekable();
        let mut push_folders = |segments: &mut VecDeque<Segment>, before: Option<&str>| {
            while let Some(folder) =
                folders.next_if(|folder| before.is_none_or(|before| folder.as_str() < before))
            {
                let is_begun = after.starts_with(&folder);
                if is_begun || folder.as_str() > after {
                    let listing = Self { prefix: folder, ..self.clone() };
                    segments.push_back(Segment::Folder(listing, is_begun.then(|| after.to_owned())));
                }
            }
        };
        for object in page.objects {
            push_folders(&mut segments, Some(&object.key));
            if object.key.as_str() <= after {
                continue;
            }
            match segments.back_mut() {
                Some(Segment::Keys(keys)) => keys.push(object),
                _ => segments.push_back(Segment::Keys(vec![object])),
            }
        }
        push_folders(&mut segments, None);
        segments
    }
}

type Sender = mpsc::Sender<Result<Vec<ListedObject>, Failure>>;

/// A piece of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    /// Keys that are known already.
    Keys(Vec<ListedObject>),
    /// All in a folder, or what comes after a key there.
    Folder(Listing, Option<String>),
}

/// Lists the segments several at a time, and passes them on in order.
async fn concatenate(
    control: &Arc<dyn Control>,
    mut segments: VecDeque<Segment>,
    pages: &Sender,
) -> Result<(), Failure> {
    let mut begun: VecDeque<mpsc::Receiver<_>> = VecDeque::new();
    loop {
        while begun.len() < AT_ONCE
            && let Some(segment) = segments.pop_front()
        {
            let (sender, receiver) = mpsc::channel(WAITING_PAGES);
            begun.push_back(receiver);
            let control = Arc::clone(control);
            tokio::spawn(async move {
                let read = match segment {
                    Segment::Keys(keys) => {
                        let _ = sender.send(Ok(keys)).await;
                        Ok(())
                    }
                    Segment::Folder(listing, after) => listing.serially(&*control, after, &sender).await,
                };
                if let Err(failure) = read {
                    let _ = sender.send(Err(failure)).await;
                }
            });
        }
        let Some(mut first) = begun.pop_front() else { return Ok(()) };
        while let Some(page) = first.recv().await {
            let page = page?;
            if pages.send(Ok(page)).await.is_err() {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use partway_shared::part::ETag;

    use super::*;

    fn object(key: &str) -> ListedObject {
        ListedObject {
            key: key.to_owned(),
            size: 0,
            etag: ETag::new("x"),
            last_modified: None,
            storage_class: None,
        }
    }

    #[test]
    fn what_was_listed_is_not_listed_again() {
        let listing = Listing { destination: None, prefix: String::new() };
        let page = ListedObjects {
            prefix: String::new(),
            objects: vec![object("a"), object("b.txt"), object("c"), object("d"), object("z")],
            prefixes: vec!["a/".to_owned(), "b/".to_owned(), "c/".to_owned(), "y/".to_owned()],
            next: None,
        };
        let folder = |prefix: &str, after: Option<&str>| {
            let listing = Listing { prefix: prefix.to_owned(), ..listing.clone() };
            Segment::Folder(listing, after.map(str::to_owned))
        };
        let expected = [
            folder("b/", Some("b/7")),
            Segment::Keys(vec![object("c")]),
            folder("c/", None),
            Segment::Keys(vec![object("d")]),
            folder("y/", None),
            Segment::Keys(vec![object("z")]),
        ];
        // `.` sorts before `/`.
        assert_eq!(Vec::from(listing.divide(page, "b/7")), expected);
    }
}
