"""The admin's page: accounts, tokens of all, and who changed what."""

from vltflow.records import Role

ADDED = {
    "name": "nora",
    "full_name": "<b>Nora",
    "role": "operator",
    "password": "four words make one",
}


def _account(web, name):
    with web.store.read() as tx:
        return tx.accounts.find(name)


def test_an_admin_adds_an_account_that_can_log_in(web, another):
    web.login("ada")
    assert web.post("/accounts/add", **ADDED).headers["location"] == "/accounts"
    page = web.text("/accounts")
    assert "&lt;b&gt;Nora" in page
    assert "created as operator" in page
    other = another(web)
    assert other.login("nora", ADDED["password"]).status_code == 303
    assert web.post("/accounts/add", **ADDED).status_code == 409


def test_role_password_and_disabling_count_at_once(web, another):
    web.login("ada")
    anna = another(web)
    anna.login("anna")
    web.post("/accounts/role", name="anna", role="viewer")
    assert _account(web, "anna").role is Role.VIEWER
    web.post("/accounts/password", name="anna", password="another long password")
    assert anna.get("/profile", follow_redirects=False).status_code == 303
    assert anna.login("anna", "another long password").status_code == 303
    web.post("/accounts/disabled", name="anna", disabled="true")
    assert anna.login("anna", "another long password").status_code == 403
    web.post("/accounts/disabled", name="anna", disabled="false")
    assert anna.login("anna", "another long password").status_code == 303
    page = web.text("/accounts")
    for words in ("role viewer", "new password", "disabled", "enabled"):
        assert words in page


def test_an_admin_sees_and_revokes_the_tokens_of_all(web, another):
    anna = another(web)
    anna.login("anna")
    anna.post("/profile/tokens", label="<i>mine", scopes="read")
    web.login("ada")
    assert "&lt;i&gt;mine" in web.text("/accounts")
    assert web.post("/accounts/tokens/revoke", name="anna", number="1").status_code == 303
    assert "revoked" in anna.text("/profile")
    assert web.post("/accounts/tokens/revoke", name="vera", number="1").status_code == 404


def test_nobody_locks_themselves_out(web):
    web.login("ada")
    own = {"name": "ada", "password": "another long password", "role": "viewer", "disabled": "true"}
    for path in ("role", "disabled", "password"):
        assert web.post(f"/accounts/{path}", **own).status_code == 400
    assert _account(web, "ada").role is Role.ADMIN
    assert web.get("/profile").status_code == 200


MISTAKES = (
    ("add", {"name": " "}, 400),
    ("add", {"name": "x" * 65}, 400),
    ("add", {"name": "a\nb"}, 400),
    ("add", {"password": "short"}, 400),
    ("add", {"role": "king"}, 422),
    ("role", {"name": "nobody"}, 404),
    ("role", {"name": "a\0"}, 400),
    ("tokens/revoke", {"name": "a\0", "number": "1"}, 400),
    ("disabled", {"name": "nobody", "disabled": "perhaps"}, 422),
    ("tokens/revoke", {"number": "x"}, 422),
)


def test_mistakes_are_told_and_change_nothing(web):
    web.login("ada")
    for path, fields, status in MISTAKES:
        assert web.post(f"/accounts/{path}", **ADDED | fields).status_code == status
    assert _account(web, "nora") is None


def test_only_admins_get_in(web, another):
    for name in ("vera", "anna", "otto"):
        other = another(web)
        other.login(name)
        assert other.get("/accounts").status_code == 403
        assert other.post("/accounts/add", **ADDED).status_code == 403
        assert other.post("/accounts/role", name="vera", role="admin").status_code == 403
        assert "/accounts" not in other.text("/")
    assert _account(web, "nora") is None


def test_a_token_manages_no_accounts(web, another):
    web.login("ada")
    page = web.post("/profile/tokens", label="all", scopes="administer").text
    secret = page.partition("vltflow_")[2].partition("<")[0]
    program = another(web)
    headers = {"authorization": f"Bearer vltflow_{secret}"}
    assert program.get("/accounts", headers=headers, follow_redirects=False).status_code == 303
    answer = program.client.post("/accounts/add", data=ADDED, headers=headers)
    assert answer.status_code == 401
    assert _account(web, "nora") is None
