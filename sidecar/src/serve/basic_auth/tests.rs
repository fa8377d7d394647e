use super::*;

/// Of "password" and "secret".
const HASHES: [&str; 2] = [
    "$2y$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm",
    "$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW",
];

const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

fn users() -> Arc<Users> {
    let hash = |index: usize| PasswordHash::parse(HASHES[index]).unwrap();
    let hashes = [("ann".to_owned(), hash(0)), ("bob".to_owned(), hash(1))];
    Arc::new(Users::new(hashes.into()).unwrap())
}

fn headers(value: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, value.parse().unwrap());
    headers
}

fn basic(credentials: &str) -> HeaderMap {
    headers(&format!("Basic {}", STANDARD.encode(credentials)))
}

#[tokio::test]
async fn who_knows_a_password_is_let_in_and_remembered() {
    let users = users();
    for credentials in ["ann:password", "bob:secret", "ann:password"] {
        assert_eq!(users.admit(&basic(credentials), CLIENT).await, Ok(()), "{credentials}");
    }
    assert_eq!(users.remembered.lock().unwrap().len(), 2);
    // Nobody else is let in with what is remembered of them.
    for credentials in ["bob:password", "annp:assword", "an:npassword", "ann:", ":password"] {
        let refused = users.admit(&basic(credentials), CLIENT).await;
        assert_eq!(refused, Err(Refusal::Unauthorized), "{credentials}");
    }
    assert_eq!(users.remembered.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn what_is_no_basic_authentication_is_refused_without_a_check() {
    let users = users();
    assert_eq!(users.admit(&HeaderMap::new(), CLIENT).await, Err(Refusal::Unauthorized));
    let right = STANDARD.encode("ann:password");
    for value in
        ["", "Basic", "Basic ", "Basic !", "Basic YW5u", &format!("Bearer {right}"), &right]
    {
        assert!(Credentials::read(value.as_bytes()).is_none(), "{value}");
        assert_eq!(users.admit(&headers(value), CLIENT).await, Err(Refusal::Unauthorized));
    }
    // RFC 7617: the scheme in any case.
    assert_eq!(users.admit(&headers(&format!("bAsIc  {right}")), CLIENT).await, Ok(()));
}

#[tokio::test]
async fn a_password_may_have_colons_and_need_not_be_utf_8() {
    let read = |bytes: &[u8]| {
        let header = format!("Basic {}", STANDARD.encode(bytes));
        Credentials::read(header.as_bytes()).map(|it| (it.user, it.password))
    };
    assert_eq!(read(b"ann:a:b"), Some(("ann".to_owned(), b"a:b".to_vec())));
    assert_eq!(read(b"ann:\xff"), Some(("ann".to_owned(), b"\xff".to_vec())));
    assert_eq!(read(b"\xff:x"), None);
    assert_eq!(read(b":"), Some((String::new(), Vec::new())));
}

#[tokio::test]
async fn a_flood_of_one_client_is_turned_away_and_others_get_their_turn() {
    let users = users();
    let (flooder, other) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
    let wrong = |index: u32| {
        let users = Arc::clone(&users);
        tokio::spawn(async move { users.admit(&basic(&format!("ann:{index}")), flooder).await })
    };
    let flood: Vec<_> = (0..50).map(wrong).collect();
    tokio::task::yield_now().await;
    assert_eq!(users.admit(&basic("ann:password"), other).await, Ok(()));
    let mut busy = 0;
    for refused in flood {
        let refused = refused.await.unwrap().unwrap_err();
        busy += u32::from(refused == Refusal::Busy);
    }
    assert!(busy >= 40, "{busy} were turned away");
    // Who is remembered waits for nobody.
    let _held = [users.turns.place(other), users.turns.place(other)];
    assert_eq!(users.admit(&basic("bob:secret"), other).await, Err(Refusal::Busy));
    assert_eq!(users.admit(&basic("ann:password"), other).await, Ok(()));
}

#[test]
fn a_user_that_there_is_not_costs_as_much_as_the_dearest() {
    assert_eq!(users().decoy.cost(), 4);
    let nobody = Credentials { user: "eve".to_owned(), password: b"password".to_vec() };
    assert!(!users().are_right(&nobody));
}

#[test]
fn what_is_remembered_has_an_end() {
    let users = users();
    for index in 0..REMEMBERED * 2 {
        let mut mark = [0; 32];
        mark[..8].copy_from_slice(&index.to_be_bytes());
        users.remember(mark);
    }
    assert!(users.remembered.lock().unwrap().len() <= REMEMBERED);
}

#[test]
fn a_refusal_says_what_to_do_and_ends_the_connection() {
    let answer = Refusal::Unauthorized.answer();
    assert_eq!(answer.status(), 401);
    assert_eq!(answer.headers()[WWW_AUTHENTICATE], "Basic");
    assert_eq!(answer.headers()[CONNECTION], "close");
    let answer = Refusal::Busy.answer();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()[RETRY_AFTER]),
        (429, &"1".parse().unwrap())
    );
}
